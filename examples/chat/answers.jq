# Lines of `fetchd --stream` in, one line an answer out, when it is complete:
#   {"custom_id", "status_code", "error", "text", "first": seconds to its first
#    token}
# For jq -n. Only answers that have begun are kept in memory.
foreach inputs as $line ({open: {}};
  ($line.seq | tostring) as $key
  | if $line.type == "result" then
      .done = ($line | {custom_id, status_code, error})
        + (.open[$key] // {text: "", first: null})
      | del(.open[$key])
    else
      .done = null
      | .open[$key].first = (.open[$key].first // $line.time)
      | .open[$key].text += (
          if $line.type != "event" then $line.data   # no stream: an error
          elif $line.data == "[DONE]" then ""
          else $line.data | fromjson | .choices[0].delta.content // ""
          end)
    end;
  .done // empty)
