-- Requests that differ in their key, made once and sent in turn.
-- Arguments: the file of keys, how many of them, the Host, and bytes of a body to send.
local requests, turn = {}, 0

function init(arguments)
  local keys, count, host, bytes = unpack(arguments)
  local body = tonumber(bytes) > 0 and string.rep("x", tonumber(bytes)) or nil
  local method = body and "POST" or "GET"
  for key in io.lines(keys) do
    if #requests == tonumber(count) then break end
    requests[#requests + 1] =
      wrk.format(method, nil, { Host = host, ["X-User-Id"] = key }, body)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary)
  local errors = summary.errors
  io.write(string.format("done: %d requests, %d us, %d bytes, %d errors\n",
    summary.requests, summary.duration, summary.bytes,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
