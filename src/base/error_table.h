/* SPDX-License-Identifier: ISC */
/*
 * The table of error codes. The code strings are an API: codes are added, never
 * renamed or removed. The enum, the strings, the exit status and the tests are
 * made from this table.
 *
 * ERR(id, "code", phase, retry, exit, curl, "text")
 *   phase  the default of error_phase (PHASE_STRUCK: the phase in which the
 *          fetch was)
 *   retry  Y: retry, N: never retry, C: depends on the cause
 *   exit   exit status (docs/fetchd.1.in); 47 stands for 4 before the first
 *          byte of the response and 7 after it
 *   curl   curl's exit code for the same failure
 */
#ifndef ERR
#error "define ERR before including base/error_table.h"
#endif

ERR(E_INPUT_INVALID, "input_invalid", PHASE_INPUT, 'N', 4, 3,
    "the input line is not usable")
ERR(E_INPUT_TOO_LONG, "input_too_long", PHASE_INPUT, 'N', 4, 3,
    "the input line is too long")
ERR(E_URL_INVALID, "url_invalid", PHASE_INPUT, 'N', 4, 3,
    "the URL is not valid")
ERR(E_URL_TOO_LONG, "url_too_long", PHASE_INPUT, 'N', 4, 3,
    "the URL is longer than 65535 bytes")
ERR(E_URL_HOST_INVALID, "url_host_invalid", PHASE_INPUT, 'N', 4, 3,
    "the host name is not valid")
ERR(E_URL_SCHEME_DENIED, "url_scheme_denied", PHASE_INPUT, 'N', 4, 1,
    "only http and https are supported")

ERR(E_HOST_UNAVAILABLE, "host_unavailable", PHASE_POLICY, 'N', 4, 7,
    "the origin was given up; the item was not tried again")

ERR(E_REDIRECT_LIMIT, "redirect_limit", PHASE_REDIRECT, 'N', 7, 47,
    "more redirects than --max-redirs")
ERR(E_REDIRECT_LOOP, "redirect_loop", PHASE_REDIRECT, 'N', 7, 47,
    "the redirect leads to a URL already requested")
ERR(E_REDIRECT_INVALID, "redirect_invalid", PHASE_REDIRECT, 'N', 7, 3,
    "the Location header is not usable")
ERR(E_REDIRECT_DENIED, "redirect_denied", PHASE_REDIRECT, 'N', 7, 1,
    "the scheme of the redirect is not allowed by --proto-redir")

ERR(E_DNS_NXDOMAIN, "dns_nxdomain", PHASE_DNS, 'N', 4, 6,
    "the host name does not exist")
ERR(E_DNS_NODATA, "dns_nodata", PHASE_DNS, 'N', 4, 6,
    "the host name has no address")
ERR(E_DNS_SERVFAIL, "dns_servfail", PHASE_DNS, 'Y', 4, 6,
    "the name server failed")
ERR(E_DNS_REFUSED, "dns_refused", PHASE_DNS, 'Y', 4, 6,
    "the name server refused the query")
ERR(E_DNS_TIMEOUT, "dns_timeout", PHASE_DNS, 'Y', 4, 6,
    "no name server answered within --dns-timeout")
ERR(E_DNS_TRUNCATED, "dns_truncated", PHASE_DNS, 'Y', 4, 6,
    "the DNS answer was truncated and the retry over TCP failed")
ERR(E_DNS_BAD_RESPONSE, "dns_bad_response", PHASE_DNS, 'Y', 4, 6,
    "the DNS answer is malformed")
ERR(E_DNS_NO_SERVER, "dns_no_server", PHASE_DNS, 'Y', 4, 6,
    "no name server could be reached")
ERR(E_DNS_ERROR, "dns_error", PHASE_DNS, 'Y', 4, 6, "the look-up failed")

ERR(E_CONNECT_REFUSED, "connect_refused", PHASE_CONNECT, 'Y', 4, 7,
    "connection refused")
ERR(E_CONNECT_TIMEOUT, "connect_timeout", PHASE_CONNECT, 'Y', 4, 28,
    "no connection within --connect-timeout")
ERR(E_CONNECT_UNREACHABLE, "connect_unreachable", PHASE_CONNECT, 'Y', 4, 7,
    "the address cannot be reached")
ERR(E_CONNECT_RESET, "connect_reset", PHASE_CONNECT, 'Y', 4, 7,
    "the connection was reset before it was established")
ERR(E_CONNECT_DENIED, "connect_denied", PHASE_CONNECT, 'N', 4, 7,
    "this system does not permit the connection")
ERR(E_CONNECT_FAILED, "connect_failed", PHASE_CONNECT, 'Y', 4, 7,
    "the connection failed")

ERR(E_TLS_TIMEOUT, "tls_timeout", PHASE_TLS, 'Y', 4, 28,
    "the TLS handshake took longer than --tls-timeout")
ERR(E_TLS_EOF, "tls_eof", PHASE_TLS, 'Y', 4, 35,
    "the peer closed the connection during the TLS handshake")
ERR(E_TLS_RESET, "tls_reset", PHASE_TLS, 'Y', 4, 35,
    "the connection was reset during the TLS handshake")
ERR(E_TLS_NOT_TLS, "tls_not_tls", PHASE_TLS, 'N', 4, 35,
    "the peer does not speak TLS")
ERR(E_TLS_PROTOCOL_VERSION, "tls_protocol_version", PHASE_TLS, 'N', 4, 35,
    "no common TLS version")
ERR(E_TLS_WEAK_PARAMS, "tls_weak_params", PHASE_TLS, 'N', 4, 35,
    "the peer's TLS parameters are too weak")
ERR(E_TLS_UNRECOGNIZED_NAME, "tls_unrecognized_name", PHASE_TLS, 'N', 4, 35,
    "the peer does not know the host name")
ERR(E_TLS_CLIENT_CERT_REQUIRED, "tls_client_cert_required", PHASE_TLS, 'N', 4,
    35, "the peer requires a client certificate")
ERR(E_TLS_HANDSHAKE_ALERT, "tls_handshake_alert", PHASE_TLS, 'C', 4, 35,
    "the peer rejected the TLS handshake")
ERR(E_TLS_RECORD_ERROR, "tls_record_error", PHASE_STRUCK, 'Y', 47, 56,
    "a TLS record is corrupt")
ERR(E_TLS_ERROR, "tls_error", PHASE_TLS, 'N', 4, 35, "TLS failed")
ERR(E_TLS_CERT_EXPIRED, "tls_cert_expired", PHASE_TLS, 'N', 5, 60,
    "the certificate has expired")
ERR(E_TLS_CERT_NOT_YET_VALID, "tls_cert_not_yet_valid", PHASE_TLS, 'N', 5, 60,
    "the certificate is not valid yet")
ERR(E_TLS_CERT_SELF_SIGNED, "tls_cert_self_signed", PHASE_TLS, 'N', 5, 60,
    "the certificate is self-signed")
ERR(E_TLS_CERT_UNTRUSTED, "tls_cert_untrusted", PHASE_TLS, 'N', 5, 60,
    "the certificate is not signed by a trusted authority")
ERR(E_TLS_CERT_HOSTNAME, "tls_cert_hostname", PHASE_TLS, 'N', 5, 60,
    "the certificate does not match the host name")
ERR(E_TLS_CERT_WEAK, "tls_cert_weak", PHASE_TLS, 'N', 5, 60,
    "the certificate's key or signature is too weak")
ERR(E_TLS_CERT_INVALID, "tls_cert_invalid", PHASE_TLS, 'N', 5, 60,
    "the certificate is not valid")

ERR(E_SEND_FAILED, "send_failed", PHASE_SEND, 'Y', 4, 55,
    "the request could not be sent")
ERR(E_EMPTY_REPLY, "empty_reply", PHASE_TTFB, 'Y', 4, 52,
    "the peer closed the connection without a response")
ERR(E_RECV_RESET, "recv_reset", PHASE_STRUCK, 'Y', 47, 56,
    "the connection was reset before the response headers were complete")

ERR(E_TIMEOUT_TTFB, "timeout_ttfb", PHASE_STRUCK, 'Y', 4, 28,
    "no response byte within --ttfb-timeout")
ERR(E_TIMEOUT_IDLE, "timeout_idle", PHASE_STRUCK, 'Y', 4, 28,
    "no data for longer than --idle-timeout")
ERR(E_TIMEOUT_SPEED, "timeout_speed", PHASE_STRUCK, 'Y', 4, 28,
    "the transfer was slower than --speed-limit for --speed-time")
ERR(E_TIMEOUT_TOTAL, "timeout_total", PHASE_STRUCK, 'C', 4, 28,
    "the attempt took longer than --max-time")

ERR(E_HTTP_NOT_HTTP, "http_not_http", PHASE_HEADERS, 'N', 7, 1,
    "the response is not HTTP")
ERR(E_HTTP_BAD_STATUS_LINE, "http_bad_status_line", PHASE_HEADERS, 'N', 7, 8,
    "the status line is malformed")
ERR(E_HTTP_BAD_HEADER, "http_bad_header", PHASE_HEADERS, 'N', 7, 8,
    "a header field is malformed")
ERR(E_HTTP_HEADER_TOO_LARGE, "http_header_too_large", PHASE_HEADERS, 'N', 7, 56,
    "the response headers are larger than --max-header-size")
ERR(E_HTTP_BAD_CONTENT_LENGTH, "http_bad_content_length", PHASE_HEADERS, 'N', 7,
    8, "the Content-Length header is malformed")
ERR(E_HTTP_BAD_TRANSFER_ENCODING, "http_bad_transfer_encoding", PHASE_HEADERS,
    'N', 7, 61, "the Transfer-Encoding is not supported")
ERR(E_HTTP_BAD_CHUNK, "http_bad_chunk", PHASE_BODY, 'N', 7, 56,
    "the chunked body is malformed")
ERR(E_HTTP_TRUNCATED, "http_truncated", PHASE_BODY, 'Y', 7, 18,
    "the connection ended before the response was complete")
ERR(E_HTTP_UNEXPECTED_UPGRADE, "http_unexpected_upgrade", PHASE_HEADERS, 'N', 7,
    8, "the peer switched protocols without being asked")
ERR(E_HTTP_TOO_MANY_INTERIM, "http_too_many_interim", PHASE_HEADERS, 'N', 7, 8,
    "too many interim responses")
ERR(E_HTTP_STATUS, "http_status", PHASE_HEADERS, 'C', 8, 22,
    "the status is 400 or more")
ERR(E_BODY_TOO_LARGE, "body_too_large", PHASE_BODY, 'N', 7, 63,
    "the body is larger than --max-filesize")
ERR(E_DIGEST_MISMATCH, "digest_mismatch", PHASE_BODY, 'N', 7, 56,
    "the body has not the SHA-256 that the item asks for")
ERR(E_DECODE_FAILED, "decode_failed", PHASE_DECODE, 'N', 7, 61,
    "the encoded body is corrupt")
ERR(E_DECODE_BOMB, "decode_bomb", PHASE_DECODE, 'N', 7, 63,
    "the decoded body exceeds --max-ratio or --max-filesize")
ERR(E_DECODE_UNSUPPORTED, "decode_unsupported", PHASE_DECODE, 'N', 7, 61,
    "too many content codings")

ERR(E_OUTPUT_NO_SPACE, "output_no_space", PHASE_OUTPUT, '-', 3, 23,
    "no space left for the output")
ERR(E_OUTPUT_IO, "output_io", PHASE_OUTPUT, '-', 3, 23,
    "the output could not be written")
ERR(E_OUTPUT_CONFLICT, "output_conflict", PHASE_OUTPUT, 'N', 3, 23,
    "the file cannot have its name")
ERR(E_OUTPUT_CLOSED, "output_closed", PHASE_OUTPUT, '-', 75, 23,
    "the reader of the output closed it")

ERR(E_RESOURCE_LIMIT, "resource_limit", PHASE_CONNECT, 'N', 4, 27,
    "no file descriptor or local port was available")
ERR(E_INTERRUPTED, "interrupted", PHASE_STRUCK, 'N', 75, 42,
    "the run was stopped before the item was finished")
