# One line a broken link: the status or what else is wrong, the link, and where
# it led to if it was redirected.
[
  if .error == "http_status" then .status_code else .error end,
  .input,
  if .num_redirects > 0 then "-> " + .final_url else empty end
] | @tsv
