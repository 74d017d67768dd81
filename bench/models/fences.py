#!/usr/bin/env python3
"""Plays random histories of the protocol in README.md and checks that no reader is served what an answered invalidation has ended.

  bench/models/fences.py                     300 histories with all rules: none may have a fault (about a minute of CPU time)
  bench/models/fences.py --without RULE      leaves a rule out, in histories where it matters, until a fault is found
  bench/models/fences.py --each              does so with every rule in turn: each must have a fault (several minutes)
  bench/models/fences.py --list              names the rules

It exits with 1 when a reader was served an old value; with --each, when some rule was left out without a fault.
"""

import argparse
import sys
import time

import rules
from world import World


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=300, help="how many histories, at most (300)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first; each further one has the next (1)")
    parser.add_argument("--without", metavar="RULE", action="append", default=[], choices=rules.RULES, help="leave a rule out")
    parser.add_argument("--scenario", metavar="NAME=VALUE", action="append", default=[], help="draw this one not at random")
    parser.add_argument("--trace", action="store_true", help="tell how the first fault came about")
    parser.add_argument("--smallest", metavar="N", type=int, help="tell it of the shortest of N faults")
    parser.add_argument("--each", action="store_true", help="leave out every rule in turn")
    parser.add_argument("--list", action="store_true", help="name the rules")
    return parser.parse_args()


def scenario_of(left_out, given):
    """What the rules that are left out, and the options, say of a history."""
    scenario = {}
    for rule in left_out:
        scenario.update(rules.MATTERS.get(rule, {}))
    for option in given:
        name, _, value = option.partition("=")
        scenario[name] = {"yes": True, "no": False}.get(value, value)
    return scenario


def search(seeds, left_out, scenario, most):
    """Plays histories until so many have a fault: what was served, and the seeds and faults."""
    served, faulty, played = {}, [], 0
    for seed in seeds:
        history = World(seed, left_out, scenario=scenario).play()
        played += 1
        for how, count in history.served.items():
            served[how] = served.get(how, 0) + count
        if history.faults:
            faulty.append((seed, history.faults[0]))
            if len(faulty) == most:
                break
    return played, served, faulty


def told(seed, left_out, scenario):
    """The trace of a history's first fault."""
    return World(seed, left_out, is_traced=True, scenario=scenario).play().trace()


def each(options):
    """Leaves out every rule in turn."""
    missed = []
    for rule in rules.RULES:
        started = time.process_time()
        seeds = range(options.seed, options.seed + options.runs)
        played, _, faulty = search(seeds, [rule], scenario_of([rule], options.scenario), 1)
        outcome = f"fault with seed {faulty[0][0]} ({faulty[0][1][3]})" if faulty else "NO FAULT"
        print(f"without {rule:12} {outcome:40} {played:4} histories, {time.process_time() - started:.0f} s", flush=True)
        if not faulty:
            missed.append(rule)
    return missed


def main():
    options = arguments()
    if options.list:
        for rule, text in rules.RULES.items():
            print(f"{rule:12} {text}")
        return 0
    if options.each:
        return 1 if each(options) else 0
    scenario = scenario_of(options.without, options.scenario)
    most = options.smallest or (1 if options.without or options.trace else options.runs)
    seeds = range(options.seed, options.seed + options.runs)
    played, served, faulty = search(seeds, options.without, scenario, most)
    answers = ", ".join(f"{count:,} {how}" for how, count in sorted(served.items(), key=lambda item: -item[1]))
    print(f"{played} histories without {', '.join(options.without) or 'nothing'}: {len(faulty)} with a fault")
    print(f"{sum(served.values()):,} answers: {answers}")
    if faulty:
        seed, fault = faulty[0]
        if options.trace or options.smallest:
            traces = [(told(seed, options.without, scenario), seed) for seed, _ in faulty]
            trace, seed = min(traces, key=lambda pair: len(pair[0]))
            print("\n".join(trace))
        print(f"first fault: seed {seed}" if not options.smallest else f"shortest fault: seed {seed}")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
