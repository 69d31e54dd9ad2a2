/* SPDX-License-Identifier: ISC */
/*
 * Every option there is, once: argv parsing, --help, the man page, the tests
 * and later the configuration file come from here.
 *
 * OPT(id, "name", letter, type, "default", min, max, group, "METAVAR",
 *     "help", "more")
 *   id       name with '_' for '-'; the stem of the field in struct opts
 *   letter   the short option, 0 for none
 *   type     BOOL INT SIZE DUR RATE STR LIST ENUM PATH
 *   default  as a user would write it; "" where there is none
 *   min, max in the field's unit (DUR: microseconds, SIZE: bytes); BOOL: max
 *            0 means that there is no --no-NAME
 *   METAVAR  of an ENUM: its choices by '|', in the order of its enum
 *   help     for --help and the man page; the default is appended to it
 *   more     for the man page only
 */
#ifndef OPT
#error "define OPT before including options/table.h"
#endif

OPT(input_file, "input-file", 'i', LIST, "", 0, 0, INPUT, "FILE",
    "read items from FILE, - is standard input; may be repeated",
    "FILE is never taken for a URL. Files and operands are read one after "
    "another, in the order in which they stand.")
OPT(url, "url", 0, LIST, "", 0, 0, INPUT, "URL",
    "fetch URL; the same as an operand; may be repeated",
    "It is never taken for a file, and may be a bare host.")
OPT(follow, "follow", 0, BOOL, "off", 0, 1, INPUT, "",
    "go on reading the last input after its end",
    "A FIFO waits for its next writer, so that mkfifo q; fetchd --follow q is "
    "a queue for many writers; a file for whole lines that are appended. "
    "Ends with the first INT or TERM, or when the file is removed; a pipe "
    "without a name, a socket and a terminal end as always.")
OPT(failed_input, "failed-input", 0, PATH, "", 0, 0, INPUT, "FILE",
    "write the input lines of items that failed to FILE",
    "Those whose record has an error, byte for byte, as they are finished: "
    "the list for another run. FILE has mode 0600, as lines may have secrets; "
    "it may be - if -o names a file. Lines that were too long are left out.")
OPT(limit, "limit", 0, INT, "", 0, INT64_MAX, INPUT, "N",
    "stop after the first N items", "0 takes none.")
OPT(base_url, "base-url", 0, STR, "", 0, 0, INPUT, "URL",
    "resolve references in the input against URL",
    "A line such as /v1/x or x?y, and such a url of a JSON line, is then taken "
    "for a reference and not for a host.")

OPT(request, "request", 'X', STR, "", 0, 0, REQUEST, "METHOD",
    "the request method (default GET, or POST if there is a body)", "")
OPT(header, "header", 'H', LIST, "", 0, 0, REQUEST, "NAME:VALUE|@FILE",
    "send this header; NAME: removes one; @FILE has one a line; may be "
    "repeated",
    "It replaces the default of that name, and an item's own header replaces "
    "it. Headers that frame the message are refused.")
OPT(data, "data", 'd', LIST, "", 0, 0, REQUEST, "DATA|@FILE",
    "send DATA as the body; may be repeated, joined by &",
    "The method becomes POST unless it was given, the content type "
    "application/x-www-form-urlencoded. A file is taken byte for byte.")
OPT(data_binary, "data-binary", 0, LIST, "", 0, 0, REQUEST, "DATA|@FILE",
    "the same as --data",
    "--data cuts nothing off either. Both may be given, they are joined.")
OPT(data_raw, "data-raw", 0, LIST, "", 0, 0, REQUEST, "DATA",
    "as --data, with no special meaning of @", "")
OPT(json_data, "json-data", 0, STR, "", 0, 0, REQUEST, "DATA|@FILE",
    "send DATA as the body, as application/json",
    "It does not go together with --data, --data-raw or --form.")
OPT(form, "form", 'F', LIST, "", 0, 0, REQUEST, "NAME=VALUE|NAME=@FILE",
    "send a form as multipart/form-data; may be repeated",
    "As curl's: NAME=@FILE uploads a file, NAME=<FILE takes the value from "
    "one; ;type=TYPE and ;filename=NAME may follow. A value with a semicolon "
    "stands in double quotes. Files are read anew for each request and count "
    "towards --max-buffer.")
OPT(head, "head", 'I', BOOL, "off", 0, 1, REQUEST, "",
    "ask for the headers only (method HEAD)", "")
OPT(user_agent, "user-agent", 'A', STR, "fetchd/" FETCHD_VERSION, 0, 0, REQUEST,
    "TEXT", "the User-Agent to send", "")
OPT(user, "user", 'u', STR, "", 0, 0, REQUEST, "NAME:PASSWORD|@FILE",
    "basic authentication; @FILE keeps it out of the process list",
    "A final newline of the file is cut.")
OPT(oauth2_bearer, "oauth2-bearer", 0, STR, "", 0, 0, REQUEST, "TOKEN|@FILE",
    "send Authorization: Bearer TOKEN",
    "A final newline of the file is cut. It goes to the origins of the items "
    "and to no other, as -u does, and does not go together with it.")
OPT(cookie, "cookie", 'b', STR, "", 0, 0, REQUEST, "TEXT",
    "the Cookie header to send", "")
OPT(referer, "referer", 'e', STR, "", 0, 0, REQUEST, "URL",
    "the Referer header to send", "")
OPT(compressed, "compressed", 0, BOOL, "on", 0, 1, REQUEST, "",
    "do not ask for compressed bodies, and decode none",
    "By default gzip, deflate, br and zstd are asked for and decoded.")

OPT(concurrency, "concurrency", 'c', INT, "64", 1, OPT_NUM_MAX, RUN, "N",
    "transfers in flight at most", "")
OPT(max_per_host, "max-per-host", 0, INT, "6", 0, OPT_NUM_MAX, RUN, "N",
    "transfers to one origin at most; no limit when -c is given without it",
    "An origin is a scheme, host name and port. 0 means no limit.")
OPT(max_idle, "max-idle", 0, INT, "64", 0, OPT_NUM_MAX, RUN, "N",
    "idle connections kept alive; as many as -c if that is more",
    "They are closed after 60 s, or 1 s before the end of the server's "
    "Keep-Alive time. 0 keeps none.")
OPT(max_buffer, "max-buffer", 0, SIZE, "256M", 0, OPT_SIZE_MAX, RUN, "SIZE",
    "memory for all that grows with what peers and lists send",
    "Lines, bodies, header sections, decoders, redirects of waiting items, "
    "unwritten output. Over it nothing is started and one transfer goes on at "
    "a time; one item may exceed it by its own --max-filesize. While an item "
    "is paused for memory its --max-time stands still, for as long again at "
    "most. 0 means no limit.")
OPT(max_spill, "max-spill", 0, SIZE, "4G", 0, OPT_SIZE_MAX, RUN, "SIZE",
    "on disk at most, for what --keep-order holds back",
    "What would exceed it waits, and so does what the disk has no room for: "
    "only the item whose turn it is goes on. 0 means no limit.")
OPT(rate, "rate", 0, RATE, "", 0, 0, PACE, "RATE",
    "requests started at most, over all origins",
    "Redirects and what is sent again count as well. 0 means no limit.")
OPT(rate_per_host, "rate-per-host", 0, RATE, "", 0, 0, PACE, "RATE",
    "requests started at most to each origin", "0 means no limit.")
OPT(delay, "delay", 0, DUR, "0", 0, OPT_DUR_MAX, PACE, "TIME",
    "between two requests started to one origin", "")
OPT(budget, "budget", 0, LIST, "", 0, 0, PACE, "NAME=RATE",
    "what requests may cost in the unit's time; may be repeated",
    "What one costs stands in its JSON line, as \"cost\": {\"NAME\": 812}. In "
    "any window of the unit at most that much is started. An item that costs "
    "more than the whole budget goes alone. At most 16 budgets.")
OPT(rate_headers, "rate-headers", 0, BOOL, "off", 0, 1, PACE, "",
    "obey the limits that answers announce",
    "These are the fields RateLimit-* and x-ratelimit-*, for the origin that "
    "sent them.")
OPT(max_run_time, "max-run-time", 0, DUR, "0", 0, OPT_DUR_MAX, PACE, "TIME",
    "stop after this time; what is in flight is cut (interrupted)",
    "So is what waits for another try; items that were not begun have no "
    "record. The exit status is then 124.")

OPT(retry, "retry", 0, INT, "2", 0, OPT_RETRY_MAX, RETRY, "N",
    "try a failed item again, N times at most",
    "0 also turns off waiting for an origin that asks for it (status 429, or "
    "503 or 529 with Retry-After), which is not counted otherwise, and waiting "
    "for one that cannot be reached.")
OPT(retry_delay, "retry-delay", 0, DUR, "1s", 0, OPT_DUR_MAX, RETRY, "TIME",
    "before the first further try; doubles each time, up to 1m",
    "Up to half of it is added or taken off by chance.")
OPT(retry_on, "retry-on", 0, STR, "408,425,429,500,502,503,504,529,errors", 0,
    0, RETRY, "LIST", "statuses and error codes that are worth another try",
    "A status may be a class (5xx) or a range (500-504); "
    "errors stands for all codes marked as such under ERROR CODES. A status "
    "that is not in the list is never asked again.")
OPT(retry_post, "retry-post", 0, BOOL, "off", 0, 1, RETRY, "",
    "try again what is not idempotent too, such as POST",
    "Otherwise such a request is tried again only if none of its bytes had "
    "been sent, or if it has an Idempotency-Key.")
OPT(retry_max_time, "retry-max-time", 0, DUR, "15m", 0, OPT_DUR_MAX, RETRY,
    "TIME", "from the first attempt on; then an item is not tried again",
    "An item that could not start for lack of descriptors or ports for so long "
    "ends as resource_limit. 0 means no limit.")
OPT(retry_after_max, "retry-after-max", 0, DUR, "10m", 0, OPT_DUR_MAX, RETRY,
    "TIME", "the longest wait that an origin may ask for",
    "If it asks for more, its waiting items end as host_unavailable. 0 means "
    "no limit.")
OPT(max_host_errors, "max-host-errors", 0, INT, "0", 0, OPT_NUM_MAX, RETRY, "N",
    "failed items in a row after which an origin is given up",
    "Whatever they failed of. Its waiting items then end as host_unavailable. "
    "0 means never.")
OPT(host_dead_after, "host-dead-after", 0, DUR, "5m", 0, OPT_DUR_MAX, RETRY,
    "TIME", "without a connection, before an origin is given up",
    "Its waiting items then end as host_unavailable. An origin that has not "
    "answered in this run is given up as soon as one item has used up its "
    "--retry, after 30s at the latest unless this option is given. 0 means "
    "never.")
OPT(learn_rate, "learn-rate", 0, BOOL, "on", 0, 1, RETRY, "",
    "do not slow down for an origin that answers 429",
    "By default the pace of such an origin is learnt: nine tenths of what it "
    "had served in the last seconds before it refused, growing slowly while it "
    "does not refuse again.")
OPT(net_down, "net-down", 0, ENUM, "wait", 0, 0, RETRY, "wait|fail",
    "what to do while there is no network at all",
    "wait: nothing is started and nothing fails until it is back, once "
    "something had worked. fail: items fail as always.")

OPT(dns_timeout, "dns-timeout", 0, DUR, "5s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "for looking up the host name", "")
OPT(connect_timeout, "connect-timeout", 0, DUR, "10s", 0, OPT_DUR_MAX, LIMITS,
    "TIME", "for the connection, over all addresses", "")
OPT(tls_timeout, "tls-timeout", 0, DUR, "10s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "for the TLS handshake", "")
OPT(ttfb_timeout, "ttfb-timeout", 0, DUR, "0", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "from the request sent to the answer's first byte",
    "5m where --max-time is off.")
OPT(idle_timeout, "idle-timeout", 0, DUR, "30s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "no byte moved while sending, or after the first byte", "")
OPT(speed_limit, "speed-limit", 0, SIZE, "0", 0, OPT_SIZE_MAX, LIMITS, "SIZE",
    "give up if slower than SIZE a second for --speed-time",
    "100 where --max-time is off or --speed-time is given.")
OPT(speed_time, "speed-time", 0, DUR, "30s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "the time over which --speed-limit is judged", "0 turns --speed-limit off.")
OPT(max_time, "max-time", 'm', DUR, "60s", 0, OPT_DUR_MAX, LIMITS, "TIME",
    "for one attempt; time spent waiting never counts", "")
OPT(max_filesize, "max-filesize", 0, SIZE, "16M", 0, OPT_SIZE_MAX, LIMITS,
    "SIZE", "body bytes, on the wire and decoded", "")
OPT(max_header_size, "max-header-size", 0, SIZE, "256k", 0, OPT_HEADER_MAX,
    LIMITS, "SIZE", "bytes of an answer's header section",
    "One field may fill it; interim answers and trailers are counted in. A "
    "chain of redirects may send 4 times as much, or 1M if that is more. 0 "
    "means 64M.")
OPT(max_ratio, "max-ratio", 0, INT, "1000", 0, 1000000000, LIMITS, "N",
    "decoded bytes to each byte on the wire",
    "Judged after the first MiB of decoded bytes.")

OPT(location, "location", 'L', BOOL, "off", 0, 1, REDIRECT, "",
    "follow redirects of every method; --no-location follows none",
    "By default those of GET and HEAD are followed.")
OPT(max_redirs, "max-redirs", 0, INT, "10", 0, OPT_NUM_MAX, REDIRECT, "N",
    "redirects followed in one attempt", "0 means that the first is too many.")
OPT(proto_redir, "proto-redir", 0, STR, "http,https", 0, 0, REDIRECT, "LIST",
    "schemes that a redirect may lead to", "")
OPT(location_trusted, "location-trusted", 0, BOOL, "off", 0, 1, REDIRECT, "",
    "send credentials to every host that a redirect names",
    "These are -u, what stands before an @ in a URL, Authorization and Cookie. "
    "By default they go to the origin they were given for and nowhere else.")

OPT(insecure, "insecure", 'k', BOOL, "off", 0, 1, TLS, "",
    "do not verify certificates", "Records then say \"tls_verified\": false.")
OPT(cacert, "cacert", 0, PATH, "", 0, 0, TLS, "FILE",
    "trust the authorities in FILE (PEM) instead of the system's", "")

OPT(ipv4, "ipv4", '4', BOOL, "off", 0, 1, NETWORK, "", "use IPv4 only", "")
OPT(ipv6, "ipv6", '6', BOOL, "off", 0, 1, NETWORK, "", "use IPv6 only", "")
OPT(resolve, "resolve", 0, LIST, "", 0, 0, NETWORK, "HOST:PORT:ADDR",
    "use ADDR for HOST and PORT; HOST may be *; may be repeated",
    "ADDR may be a list by commas, an IPv6 address stands in brackets.")
OPT(dns_servers, "dns-servers", 0, STR, "", 0, 0, NETWORK, "ADDR[#PORT],...",
    "ask these name servers instead of the system's",
    "An IPv6 address with a port stands in brackets. The search list of "
    "resolv.conf holds for them as well: a name that does not exist, with "
    "fewer dots than its ndots, is tried in these domains.")
OPT(interface, "interface", 0, STR, "", 0, 0, NETWORK, "ADDR",
    "connect from this address of the machine",
    "Or from this device. An address of the other family is unreachable.")

OPT(output, "output", 'o', PATH, "-", 0, 0, OUTPUT, "FILE",
    "write the results to FILE, - is standard output",
    "An existing file is replaced once options and inputs were found good; a "
    "mistake leaves it as it was. It must not be one of the inputs.")
OPT(json, "json", 'j', BOOL, "off", 0, 1, OUTPUT, "",
    "the same as --format jsonl", "")
OPT(format, "format", 0, ENUM, "auto", 0, 0, OUTPUT, "auto|jsonl|text|body",
    "records, short lines, or decoded bodies alone",
    "auto is jsonl, and text for a terminal unless answers are streamed or "
    "something is extracted from them.")
OPT(fields, "fields", 0, STR, "", 0, 0, OUTPUT, "LIST",
    "only these keys of the record, in this order",
    "Dots reach into objects, numbers into lists: extract.title, "
    "header.content-type.0, body_json.user.name. Such a part stands under "
    "its whole path as its key; if it is not there it is null. A key that "
    "another option makes needs that option.")
OPT(body, "body", 0, ENUM, "inline", 0, 0, OUTPUT, "inline|none|base64|json",
    "how a body stands in the record",
    "inline is text where it is valid UTF-8 and base64 where it is not. json "
    "is inline, but a JSON body stands as a value under body_json, as it came "
    "but for line ends between its tokens, which become blanks; so does an "
    "event's data under data_json. One of more than 512 levels stays text.")
OPT(include_headers, "include-headers", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "put the answer's header fields into the record", "")
OPT(stream, "stream", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "report answers while they arrive, an event or piece a line",
    "The record comes last, without the body. It goes together with neither "
    "--only-failed, --only-ok nor --format text or body.")
OPT(include_attempts, "include-attempts", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "put every request of the item into the record", "")
OPT(keep_order, "keep-order", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "write the results in the order of the input", "")
OPT(only_failed, "only-failed", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "write no records of items that succeeded", "")
OPT(only_ok, "only-ok", 0, BOOL, "off", 0, 1, OUTPUT, "",
    "write no records of items that failed", "")

OPT(extract, "extract", 0, LIST, "", 0, 0, EXTRACT, "LIST",
    "title, links, text, meta, jsonld: put these of a page into the record",
    "They stand under extract. Pages are HTML and XML (feeds and sitemaps "
    "among "
    "them), judged by the content type.")
OPT(css, "css", 0, LIST, "", 0, 0, EXTRACT, "NAME=SELECTOR",
    "what a CSS selector finds, under NAME; may be repeated",
    "::text and ::attr(NAME) select text and attributes, as in Scrapy. The "
    "result is a list of strings.")
OPT(xpath, "xpath", 0, LIST, "", 0, 0, EXTRACT, "NAME=EXPRESSION",
    "what an XPath expression finds, under NAME; may be repeated",
    "XPath 1.0. The result is a list of strings.")
OPT(regex, "regex", 0, LIST, "", 0, 0, EXTRACT, "NAME[@text]=REGEX",
    "what a regular expression matches, under NAME; may be repeated",
    "Perl's expressions over the page's source or, with @text, over its text; "
    "of an expression with groups what the groups caught. Texts that are no "
    "pages (text/*, JSON) are searched too.")
OPT(exec, "exec", 0, STR, "", 0, 0, EXTRACT, "COMMAND",
    "a program of yours as the parser: a record in, a JSON line out",
    "As many copies as --workers are started; each reads records, with the "
    "body, from standard input and writes one line of JSON for each to "
    "standard "
    "output, which stands under extract.exec. The command is split at blanks, "
    "quotes hold; there is no shell. It gets bodies of every type.")
OPT(workers, "workers", 0, INT, "", 0, OPT_WORKERS_MAX, EXTRACT, "N",
    "processes that parse (default: one a core, less one)",
    "At least 1 where something is extracted.")
OPT(worker_mem, "worker-mem", 0, SIZE, "512M", 0, OPT_SIZE_MAX, EXTRACT, "SIZE",
    "address space a parser may use",
    "64M at least. A body of more than an eighth of it is not parsed. 0 means "
    "no limit, which some programs for --exec need.")
OPT(worker_time, "worker-time", 0, DUR, "10s", 0, OPT_DUR_MAX, EXTRACT, "TIME",
    "for one document; then its parser is killed",
    "Nothing else bounds selectors and XPath, which on some pages take time as "
    "the square of the page's size. 0 means no limit.")
OPT(sandbox, "sandbox", 0, BOOL, "on", 0, 1, EXTRACT, "",
    "parse without the sandbox; for debugging only",
    "By default a parser can open no file, connect nowhere and start nothing. "
    "A program of --exec is not confined.")

OPT(progress, "progress", 0, ENUM, "auto", 0, 0, WATCH, "auto|bar|none",
    "the progress line on standard error",
    "auto shows it on a terminal, unless standard output is a pipe.")
OPT(quiet, "quiet", 'q', BOOL, "off", 0, 1, WATCH, "",
    "no progress line, no summary, no warnings", "")
OPT(silent, "silent", 's', BOOL, "off", 0, 1, WATCH, "", "the same as --quiet",
    "")
OPT(verbose, "verbose", 'v', BOOL, "off", 0, 1, WATCH, "",
    "say more on standard error; includes --summary", "")
OPT(summary, "summary", 0, BOOL, "off", 0, 1, WATCH, "",
    "totals by status and error on standard error at the end",
    "On by default where standard error is a terminal.")
OPT(stats, "stats", 0, BOOL, "off", 0, 1, WATCH, "",
    "one JSON line of figures on standard error at the end", "")
OPT(trace, "trace", 0, PATH, "", 0, 0, WATCH, "FILE",
    "write every event of the run to FILE, - is standard error",
    "A line for each move of an item, and for what happens to connections, "
    "look-ups, origins and parsers, with microseconds since the start. Header "
    "values, user names, passwords and queries are left out. FILE is replaced, "
    "has mode 0600 and must be neither a symbolic link nor a file of someone "
    "else. If it cannot be written any more, that is said once and the run "
    "goes on; what a pipe's reader is too slow for is left out and counted.")
OPT(color, "color", 0, ENUM, "auto", 0, 0, WATCH, "auto|always|never",
    "colours in the lines of --format text",
    "auto shows them on a terminal, unless NO_COLOR is set or TERM is dumb.")
OPT(fail, "fail", 'f', BOOL, "off", 0, 1, WATCH, "",
    "a status of 400 or more counts as failed (http_status)", "")
OPT(grace, "grace", 0, DUR, "10s", 0, OPT_DUR_MAX, WATCH, "TIME",
    "how long transfers may still finish after INT or TERM",
    "0 cuts them at once.")
OPT(version, "version", 'V', BOOL, "off", 0, 0, WATCH, "",
    "print the version and leave", "")
OPT(help, "help", 'h', BOOL, "off", 0, 0, WATCH, "",
    "print this text and leave", "")
