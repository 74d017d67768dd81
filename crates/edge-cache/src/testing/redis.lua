-- Completes the table `redis` that scripts use, and returns the function that runs one. `redis.pcall` and `redis.sha1hex` are there already.
function redis.call(...)
  local reply = redis.pcall(...)
  if type(reply) == 'table' and reply.err then error(reply, 0) end
  return reply
end
function redis.error_reply(text) return { err = text } end
function redis.status_reply(text) return { ok = text } end

return pcall
