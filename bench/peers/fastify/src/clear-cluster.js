// Removes the keys of a pattern from a Redis Cluster, as a Node team would write it with ioredis.
//
//   node clear-cluster.js PORT PATTERN      prints the keys removed and the milliseconds that it took
import { Cluster } from "ioredis";

const [port, pattern] = process.argv.slice(2);
const cluster = new Cluster([{ host: "127.0.0.1", port: Number(port) }]);
await cluster.ping();

const clearNode = async (node) => {
  let removed = 0;
  for await (const keys of node.scanStream({ match: pattern, count: 1000 })) {
    const pipeline = node.pipeline();
    // A command over keys of several slots is refused.
    for (const key of keys) pipeline.unlink(key);
    const replies = await pipeline.exec();
    removed += replies.reduce((sum, [, count]) => sum + (count ?? 0), 0);
  }
  return removed;
};

const began = performance.now();
const counts = await Promise.all(cluster.nodes("master").map(clearNode));
const removed = counts.reduce((sum, count) => sum + count, 0);
console.log(JSON.stringify({ removed, ms: performance.now() - began }));
cluster.disconnect();
