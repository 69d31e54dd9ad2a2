/* SPDX-License-Identifier: ISC */
/*
 * Every key of a result record, once, in the order of SPEC section 3.1. The
 * writer, --fields and the tests come from here.
 *
 * KEY(id, "name", when, value)  `when`: is the key there; `value`: writes it,
 *     an expression of codec/record.c over p (the place), r (the record)
 * WIDE(id, "name")  may be large: written by a function of its own
 */
#if !defined(KEY) || !defined(WIDE)
#error "define KEY and WIDE before including codec/record_keys.h"
#endif

KEY(TYPE, "type", 1, json_write_raw(p, SPAN("\"result\"")))
KEY(SEQ, "seq", 1, json_write_u64(p, r->seq))
KEY(ID, "id", r->id.n > 0 && !r->id_is_custom, json_write_raw(p, r->id))
KEY(CUSTOM_ID, "custom_id", r->id.n > 0 && r->id_is_custom,
    json_write_raw(p, r->id))
KEY(META, "meta", r->meta.n > 0, json_write_raw(p, r->meta))
KEY(INPUT, "input", 1, json_write_string(p, record_cut(r->input, INPUT_MAX)))
KEY(URL, "url", 1, json_write_string(p, r->url))
KEY(FINAL_URL, "final_url", 1, json_write_string(p, r->final_url))
KEY(METHOD, "method", 1, json_write_string(p, r->method))
KEY(TIMESTAMP, "timestamp", 1, json_write_timestamp(p, r->timestamp_us))
KEY(STATUS_CODE, "status_code", 1, json_write_int(p, r->status_code))
KEY(ERROR, "error", 1, put_error(p, r))
KEY(ERROR_PHASE, "error_phase", 1, put_error_phase(p, r))
KEY(ERRORMSG, "errormsg", 1, json_write_string(p, r->errormsg))
KEY(ERROR_DETAIL, "error_detail", 1, json_write_string(p, r->error_detail))
KEY(EXITCODE, "exitcode", 1, json_write_int(p, error_info(r->error)->curl))
KEY(CONTENT_TYPE, "content_type", 1, put_content_type(p, r->content_type))
KEY(CHARSET, "charset", 1, put_charset(p, r->content_type))
KEY(CONTENT_LENGTH, "content_length", 1, json_write_int(p, r->content_length))
KEY(LOCATION, "location", 1, json_write_string(p, r->location))
KEY(HTTP_VERSION, "http_version", 1, put_http_version(p, r->http_minor))
KEY(REMOTE_IP, "remote_ip", 1, json_write_string(p, r->remote_ip))
KEY(REMOTE_PORT, "remote_port", 1, json_write_int(p, r->remote_port))
KEY(TLS_VERSION, "tls_version", 1, json_write_string(p, r->tls_version))
KEY(TLS_VERIFIED, "tls_verified", 1, json_write_bool(p, r->tls_verified))
KEY(CONN_ID, "conn_id", 1, json_write_int(p, r->conn_id > 0 ? r->conn_id : -1))
KEY(CONN_REUSED, "conn_reused", 1,
    json_write_bool(p, r->conn_id > 0 && r->conn_reused))
KEY(NUM_ATTEMPTS, "num_attempts", 1, json_write_u64(p, r->num_attempts))
KEY(NUM_REDIRECTS, "num_redirects", 1, json_write_u64(p, r->num_redirects))
KEY(SIZE_DOWNLOAD, "size_download", 1, json_write_u64(p, r->size_download))
KEY(SIZE_DECODED, "size_decoded", 1, json_write_u64(p, r->size_decoded))
KEY(COMPLETE, "complete", 1, json_write_bool(p, r->complete))
KEY(TIME_QUEUE, "time_queue", 1, json_write_time(p, r->time_queue))
KEY(TIME_ITEM, "time_item", 1, json_write_time(p, r->time_item))
KEY(TIME_NAMELOOKUP, "time_namelookup", 1,
    json_write_time(p, r->time_namelookup))
KEY(TIME_CONNECT, "time_connect", 1, json_write_time(p, r->time_connect))
KEY(TIME_APPCONNECT, "time_appconnect", 1,
    json_write_time(p, r->time_appconnect))
KEY(TIME_STARTTRANSFER, "time_starttransfer", 1,
    json_write_time(p, r->time_starttransfer))
KEY(TIME_TOTAL, "time_total", 1, json_write_time(p, r->time_total))
KEY(TIME_REDIRECT, "time_redirect", 1, json_write_time(p, r->time_redirect))
KEY(FLAGS, "flags", (r->flags & FLAGS_KNOWN) != 0, put_flags(p, r->flags))
WIDE(HEADER, "header")
WIDE(TRAILER, "trailer")
WIDE(INTERIM, "interim")
WIDE(BODY, "body")
WIDE(BODY_BASE64, "body_base64")
WIDE(BODY_JSON, "body_json")
WIDE(ATTEMPTS, "attempts")
WIDE(NUM_EVENTS, "num_events")
WIDE(EXTRACT, "extract")
WIDE(PARSE, "parse")
