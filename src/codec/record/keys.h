/* SPDX-License-Identifier: ISC */
/*
 * The table of the keys of a result record, in order. The writer, --fields, the
 * man page and the tests are made from it.
 *
 * KEY(id, "name", when, value, "type", "meaning")
 *     when   an expression: is the key written?
 *     value  an expression that writes the value at p and returns its end; r is
 *            the record (see record.c)
 * WIDE(id, "name", "type", "meaning")
 *     may be large: a function of its own writes it
 */
#if !defined(KEY) || !defined(WIDE)
#error "define KEY and WIDE before including codec/record/keys.h"
#endif

KEY(TYPE, "type", 1, json_write_raw(p, SPAN("\"result\"")), "string",
    "\"result\"; the lines of live streams have other types")
KEY(SEQ, "seq", 1, json_write_u64(p, r->seq), "int",
    "the position of the item in the input, from 1")
KEY(ID, "id", r->id.n > 0 && !r->id_is_custom, json_write_raw(p, r->id), "any",
    "copied from the input; only if given there")
KEY(CUSTOM_ID, "custom_id", r->id.n > 0 && r->id_is_custom,
    json_write_raw(p, r->id), "any",
    "the same, under the name used by OpenAI batch files")
KEY(META, "meta", r->meta.n > 0, json_write_line(p, r->meta), "any",
    "copied from the input; only if given there")
KEY(INPUT, "input", 1, json_write_string(p, utf8_cut(r->input, INPUT_MAX)),
    "string or null",
    "the URL as given, with a password replaced by ***, at most 65,535 bytes; "
    "null for a JSON line that cannot be read")
KEY(URL, "url", 1, json_write_string(p, r->url), "string or null",
    "the requested URL, normalised, without credentials and fragment; null if "
    "it could not be parsed")
KEY(FINAL_URL, "final_url", 1, json_write_string(p, r->final_url),
    "string or null", "the last URL requested or tried")
KEY(METHOD, "method", 1, json_write_string(p, r->method), "string or null",
    "the request method")
KEY(TIMESTAMP, "timestamp", 1, json_write_timestamp(p, r->timestamp_us),
    "string or null", "when the first attempt began, RFC 3339 in UTC")
KEY(STATUS_CODE, "status_code", 1, json_write_int(p, r->status_code), "int",
    "the status of the last request; 0 without a final response")
KEY(ERROR, "error", 1, put_error(p, r), "string or null",
    "null, or a code of ERROR CODES")
KEY(ERROR_PHASE, "error_phase", 1, put_error_phase(p, r), "string or null",
    "where the error occurred: input, policy, dns, connect, proxy, tls, send, "
    "ttfb, headers, body, decode, redirect, output or internal")
KEY(ERRORMSG, "errormsg", 1, json_write_string(p, r->errormsg),
    "string or null", "a description of the error; not stable")
KEY(ERROR_DETAIL, "error_detail", 1, json_write_string(p, r->error_detail),
    "string or null", "the name used by the lower layer, such as ECONNREFUSED")
KEY(EXITCODE, "exitcode", 1, json_write_int(p, error_info(r->error)->curl),
    "int", "the exit code of curl for the same failure; 0 on success")
KEY(CONTENT_TYPE, "content_type", 1, json_write_lower(p, r->content_type),
    "string or null", "the media type, lower case, without parameters")
KEY(CHARSET, "charset", 1, json_write_lower(p, r->charset), "string or null",
    "the charset parameter, lower case")
KEY(CONTENT_LENGTH, "content_length", 1, json_write_int(p, r->content_length),
    "int or null", "the declared Content-Length")
KEY(LOCATION, "location", 1, json_write_string(p, r->location),
    "string or null", "the Location of the last response, made absolute")
KEY(HTTP_VERSION, "http_version", 1, put_http_version(p, r->http_minor),
    "string or null", "1.0 or 1.1")
KEY(REMOTE_IP, "remote_ip", 1, json_write_string(p, r->remote_ip),
    "string or null", "the last address connected to or tried")
KEY(REMOTE_PORT, "remote_port", 1, json_write_int(p, r->remote_port),
    "int or null", "the port of that address")
KEY(TLS_VERSION, "tls_version", 1, json_write_string(p, r->tls_version),
    "string or null", "such as TLSv1.3; null for plain http")
KEY(TLS_VERIFIED, "tls_verified", 1, json_write_bool(p, r->tls_verified),
    "bool or null", "whether the certificate was verified; null for plain http")
KEY(CONN_ID, "conn_id", 1, json_write_int(p, r->conn_id > 0 ? r->conn_id : -1),
    "int or null", "the number of the connection in this run")
KEY(CONN_REUSED, "conn_reused", 1,
    json_write_bool(p, r->conn_id > 0 && r->conn_reused), "bool",
    "whether the connection was reused from an earlier request")
KEY(NUM_ATTEMPTS, "num_attempts", 1, json_write_u64(p, r->num_attempts), "int",
    "the number of attempts, failed look-ups included")
KEY(NUM_REDIRECTS, "num_redirects", 1, json_write_u64(p, r->num_redirects),
    "int", "the number of redirects in the last attempt")
KEY(SIZE_DOWNLOAD, "size_download", 1, json_write_u64(p, r->size_download),
    "int", "body bytes as transferred")
KEY(SIZE_DECODED, "size_decoded", 1, json_write_u64(p, r->size_decoded), "int",
    "body bytes after content decoding")
KEY(COMPLETE, "complete", 1, json_write_bool(p, r->complete), "bool",
    "whether the whole body was received and decoded")
KEY(TIME_QUEUE, "time_queue", 1, json_write_time(p, r->time_queue), "number",
    "seconds from reading the line to the start of the first attempt")
KEY(TIME_ITEM, "time_item", 1, json_write_time(p, r->time_item),
    "number or null",
    "seconds from there to the end, including all waits and attempts")
KEY(TIME_NAMELOOKUP, "time_namelookup", 1,
    json_write_time(p, r->time_namelookup), "number or null",
    "last request: seconds from its start until the address was known")
KEY(TIME_CONNECT, "time_connect", 1, json_write_time(p, r->time_connect),
    "number or null", "the same, until the connection was established")
KEY(TIME_APPCONNECT, "time_appconnect", 1,
    json_write_time(p, r->time_appconnect), "number or null",
    "the same, until the TLS handshake was complete")
KEY(TIME_STARTTRANSFER, "time_starttransfer", 1,
    json_write_time(p, r->time_starttransfer), "number or null",
    "the same, until the first response byte")
KEY(TIME_TOTAL, "time_total", 1, json_write_time(p, r->time_total),
    "number or null",
    "the same, until its end; a phase that was not needed repeats the value "
    "before it")
KEY(TIME_REDIRECT, "time_redirect", 1, json_write_time(p, r->time_redirect),
    "number or null", "seconds spent on earlier redirects of the last attempt")
KEY(FLAGS, "flags", (r->flags & FLAGS_KNOWN) != 0, put_flags(p, r->flags),
    "list",
    "irregularities that were tolerated; only if there were any: "
    "lenient_framing, framing_conflict, unknown_coding, trailing_data, "
    "unfolded_header")
KEY(BODY_FILE, "body_file", r->has_file, json_write_string(p, r->body_file),
    "string or null",
    "the file with the body, relative to --output-dir; only with that option")
KEY(SHA256, "sha256", r->has_file, json_write_string(p, r->sha256),
    "string or null",
    "the SHA-256 of the decoded body in that file, in hexadecimal")
WIDE(HEADER, "header", "object or null",
    "lower-case name to list of values; with --include-headers")
WIDE(TRAILER, "trailer", "object or null",
    "the same for the trailer section; null without one")
WIDE(INTERIM, "interim", "list",
    "of {status_code, header}: the interim responses, if any; with "
    "--include-headers")
WIDE(BODY, "body", "string or null",
    "the decoded body if it is UTF-8; null without a response or for a "
    "streamed one; absent with --body none")
WIDE(
    BODY_BASE64, "body_base64", "string", "instead of body, if it is not UTF-8")
WIDE(BODY_JSON, "body_json", "any",
    "instead of body, if it is JSON; with --body json")
WIDE(ATTEMPTS, "attempts", "list",
    "of objects, one for each request or failed look-up, connection or "
    "handshake; with --include-attempts: attempt, url, status_code, error, "
    "remote_ip, conn_id, five times, wait (seconds before it) and wait_reason "
    "(see SIGNALS)")
WIDE(NUM_EVENTS, "num_events", "int",
    "the number of lines written for a streamed item")
WIDE(EXTRACT, "extract", "object or null",
    "the extracted values (see EXTRACTION)")
WIDE(PARSE, "parse", "object or null",
    "the outcome of parsing: error, time, worker")
