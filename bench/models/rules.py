"""The rules of the protocol, each of which can be left out, and its durations.

README.md is the specification; the names below are those of its rules. Durations are those of the specification, scaled down so
that a history of a few seconds sees everything expire.
"""

RULES = {
    "stamp": "a load takes its stamp before it reads the source",
    "view": "a lookup is judged by a view asked for at most the interval before the lookup began",
    "wait": "an invalidation that relies on views answers no earlier than the interval after its fence was acknowledged",
    "copies": "each new view is applied to all near copies; after a gap in what was seen all of them go",
    "late": "a reply that was used later than REPLY_USE after its command was sent does not count",
    "lock": "a store needs its load lock, which goes with the key when the key is removed or set",
    "permit": "a store (Cluster) needs a permit, asked for together with the last renewal of its stamp, which ends by itself",
    "check": "a store (Cluster) reads the fences once more afterwards and removes its own writing when one means it",
    "provision": "a stored value (Cluster) lives for PROVISION until that check has confirmed it",
    "member": "a key joins its tags' sets after it was stored and before the check",
    "prune": "pruning sets members aside before it looks for their keys",
    "retain": "a fence leaves the stream only when its removal has finished",
    "keep": "and no earlier than RETAIN after that",
    "atomic": "a store (single server) checks the fences in the same script",
    "epoch": "entries whose stamp has another epoch than the view are dead",
    "server": "a connection to a server that was restarted or replaced begins a new epoch, and asks for a new view",
    "young": "a stream that begins anew counts near caches and the longest interval as in use for a while",
    "cap": "a stream that is cut short begins a new epoch",
    "open": "a foreign value is dead while a fence means it whose removal has not finished",
    "ended": "and it counts as finished for a GET only when that was known before the GET was sent",
    "gather": "a pattern joins the next walk, never the one that runs",
    "register": "an instance keeps near copies only while it is registered",
    "after": "and only from lookups whose view was asked for after the registration was acknowledged",
    "near-write": "a library write by key appends a near fence while near caches are registered, and waits as for a fence",
    "write-first": "and appends it after the write, not before",
    "position": "a near copy is kept only if no near fence younger than its GET means it",
    "age": "a near copy lives for at most the maximum age",
    "interval": "an instance uses a longer interval only while that is registered",
    "grace": "a dead entry is served to nobody, neither as a stale hit nor when its load fails",
    "waiters": "a load hands its value to those who asked before it began, or, when confirmed, before it was stored",
    "expire": "a change of the TTL leaves a provisional value alone",
    "soft": "an entry that a soft fence younger than its stamp means is not fresh",
    "mark": "the walk of a soft fence ends the freshness of what it finds, before the fence may leave",
    "compare": "it does so only in the writing that it has read, else it reads again",
    "unlock": "a soft purge by key removes the load lock before it reads the entry",
    "soft-store": "a load that began before a soft fence is not stored, as with other fences",
    "bridge": "during a rollout fences are appended to the former stream, too, and stores check it",
}

# Where a rule matters: what `--without` sets of the scenario.
MATTERS = {
    "permit": {"quick": True, "gathering": False, "brief": True, "mix": "patterns", "cluster": True, "network": "late", "losses": False, "wide": True, "rollout": False, "busy": False},
    "check": {"quick": True, "gathering": False, "brief": True, "mix": "patterns", "cluster": True, "network": "quick", "losses": False, "wide": True, "rollout": False, "busy": False},
    "provision": {"quick": True, "gathering": False, "brief": True, "mix": "patterns", "cluster": True, "network": "quick", "losses": False, "wide": True, "rollout": False, "busy": False},
    "member": {"quick": True, "gathering": False, "brief": True, "mix": "tags", "cluster": True, "network": "quick", "losses": False, "wide": True, "rollout": False, "busy": False},
    "prune": {"quick": True, "gathering": False, "brief": True, "mix": "prune", "cluster": True, "network": "quick", "losses": False, "wide": True, "rollout": False, "busy": False},
    "expire": {"quick": True, "gathering": False, "cluster": True, "network": "quick", "losses": False, "wide": True, "rollout": False, "busy": False},
    "retain": {"brief": True, "mix": "patterns", "losses": False, "wide": True, "busy": False},
    "keep": {"quick": True, "gathering": False, "brief": True, "mix": "patterns", "cluster": True, "network": "quick", "losses": False, "wide": True, "rollout": False, "busy": False},
    "atomic": {"mix": "patterns", "cluster": False, "losses": False},
    "late": {"quick": False, "gathering": False, "brief": True, "wide": True, "mix": "patterns", "cluster": True, "network": "late", "losses": False},
    "epoch": {"losses": True, "rollout": False},
    "server": {"losses": True, "rollout": False},
    "young": {"losses": True, "near": True, "rollout": False, "mix": "keys", "wide": False, "brief": False, "network": "quick"},
    "cap": {"busy": True, "cluster": True},
    "open": {"losses": False},
    "ended": {"losses": False, "network": "slow"},
    "gather": {"gathering": True},
    "copies": {"near": True},
    "register": {"near": True, "cluster": False},
    "after": {"near": True, "cluster": False, "mix": "patterns", "quick": True, "gathering": False, "losses": False, "rollout": False},
    "near-write": {"near": True},
    "write-first": {"near": True},
    "position": {"near": True, "network": "slow"},
    "age": {"near": True},
    "interval": {"longest": True, "cluster": True},
    "soft": {"soft": True, "losses": False},
    "mark": {"soft": True, "losses": False, "rollout": False, "mix": "patterns", "wide": True, "busy": False},
    "compare": {"soft": True, "losses": False, "mix": "keys", "wide": False},
    "unlock": {"soft": True, "losses": False, "mix": "keys"},
    "soft-store": {"soft": True, "losses": False, "rollout": False, "mix": "patterns", "wide": True, "busy": False},
    "bridge": {"rollout": True, "losses": False},
}

# Milliseconds. In brackets: of the specification.
INTERVAL = 50        # (50) how old a view may be when a lookup begins
LONGEST = 150        # (1,000) the longest interval an instance may register
REPLY_USE = 100      # (2,000) how long after its command was sent a reply may be used
PERMIT = 80          # (2,000) how long a permit lives
PROVISION = 120      # (5,000) how long a value lives that no check has confirmed
RETAIN = PERMIT + PROVISION + 3 * REPLY_USE  # (20,000) how long a fence stays after its removal
LEASE = 1000         # (10,000) how long a load lock lives unless it is renewed
YOUNG = 400          # (3,000) how long a stream counts as young: more than LONGEST + REPLY_USE
REGISTERED = 250     # (60,000) how long a registration lives
MAX_AGE = 400        # (1,000) how long a near copy lives
SOFT_GRACE = 400     # (60,000) how long an entry without grace is served after a soft purge
CAP = 2000           # (100,000) entries of the stream of fences
