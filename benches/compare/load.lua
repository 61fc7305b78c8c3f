-- wrk -s load.lua URL -- REQUEST COUNTER [TOKENS] [check STATUS LENGTH PATTERN OFFSET]
--
-- REQUEST is session (a random token from the file TOKENS), login (a new code each time, counted up from COUNTER), malformed
-- or garbage. `check` compares every response, which is too slow for a measurement and is used in the warm-up; tokens are
-- then sent in order, from OFFSET. The last line of the output is JSON.

local function head(method, path, lines)
  return method .. ' ' .. path .. ' HTTP/1.1\r\nHost: localhost\r\n' .. lines
end

local function post(body)
  return head('POST', '/login', 'Content-Type: application/json\r\nContent-Length: ' .. #body .. '\r\n\r\n') .. body
end

local function get(token)
  local is_cookie = token:find('^connect%.sid=')
  return head('GET', '/session', (is_cookie and 'Cookie: ' or 'Authorization: Bearer ') .. token .. '\r\n\r\n')
end

local requests_by_name = {}

function requests_by_name.session(counter, tokens, offset)
  local requests = {}
  for token in io.lines(tokens) do requests[#requests + 1] = get(token) end
  local random, count = math.random, #requests
  if offset then
    return function()
      offset = offset + 1
      return requests[(offset - 1) % count + 1]
    end
  end
  math.randomseed(counter)
  return function() return requests[random(count)] end
end

function requests_by_name.login(counter)
  local whole = post('{"code":"' .. string.rep('#', 32) .. '"}')
  local before, after = whole:match('^(.-)#+(.*)$')
  local format = string.format
  return function()
    counter = counter + 1
    return before .. format('%032d', counter) .. after
  end
end

function requests_by_name.malformed()
  local whole = post('{"code":"00000000000000000000000000000000"')
  return function() return whole end
end

function requests_by_name.garbage()
  local whole = get('wxs_' .. string.rep('garbage0', 6))
  return function() return whole end
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function init(arguments)
  wrong, example = 0, ''
  local name, counter = arguments[1], tonumber(arguments[2])
  request = requests_by_name[name](counter, arguments[3], tonumber(arguments[8]))
  if arguments[4] == 'check' then
    local status, length, pattern = tonumber(arguments[5]), tonumber(arguments[6]), arguments[7]
    function response(got, headers, body)
      if got ~= status or #body ~= length or not body:find(pattern) then
        wrong, example = wrong + 1, got .. ' ' .. body
      end
    end
  end
end

function done(summary, latency)
  local wrong, example = 0, ''
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get('wrong')
    if thread:get('example') ~= '' then example = thread:get('example') end
  end
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"bytes":%d,"microseconds":%d,"rejected":%d,"broken":%d,"wrong":%d,"example":%q,"p50":%d,"p99":%d}\n',
    summary.requests, summary.bytes, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, wrong, example,
    latency:percentile(50), latency:percentile(99)))
end
