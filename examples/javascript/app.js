import * as cache from "../../wit/cache/javascript/edge-cache.js";

addEventListener("fetch", (event) => event.respondWith(handle(event.request)));

async function handle(request) {
  if (request.method === "DELETE") {
    return Response.json({ removed: cache.invalidate({ tags: ["quotes"] }) });
  }

  const isDown = new URL(request.url).searchParams.has("down");
  try {
    const load = () => query(isDown);
    return new Response(await cache.getOrSet("quotes:top", { ttl: 60, tags: ["quotes"] }, load));
  } catch (error) {
    return new Response(error.message, { status: 502 });
  }
}

/** A slow source. */
async function query(isDown) {
  console.log("the source is asked");
  await new Promise((resume) => setTimeout(resume, 300));
  if (isDown) throw new Error("the source is down");
  return "Stay hungry.";
}
