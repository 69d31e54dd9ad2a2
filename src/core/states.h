/* SPDX-License-Identifier: ISC */
/*
 * The table of the states of a fetch: enum, names, deadlines, entry hooks,
 * counts and the USR1 list come from it. A fetch moves to higher numbers,
 * except when its request is sent again or it is queued again.
 *
 * STATE(id, number, "name", phase, deadline, hook)
 *   phase     of an error that names none
 *   deadline  NONE; SINCE: the named option counts from the state's entry;
 *             MOVED: from the last byte in or out
 *   option    field of struct opts
 *   hook      runs once from the run queue after the state was entered; NULL
 *             for states that arriving bytes drive
 */
#ifndef STATE
#error "define STATE before including core/states.h"
#endif

STATE(QUEUED, 0, "queued", PHASE_INTERNAL, NONE, max_time_us, E_OK, NULL)
STATE(CONNECTING, 1, "connecting", PHASE_CONNECT, SINCE, connect_timeout_us,
    E_CONNECT_TIMEOUT, enter_connecting)
STATE(TLS, 2, "tls", PHASE_TLS, SINCE, tls_timeout_us, E_TLS_TIMEOUT, enter_tls)
STATE(SENDING, 3, "sending", PHASE_SEND, MOVED, idle_timeout_us, E_TIMEOUT_IDLE,
    enter_sending)
STATE(AWAITING, 4, "awaiting", PHASE_TTFB, SINCE, ttfb_timeout_us,
    E_TIMEOUT_TTFB, NULL)
STATE(RECEIVING, 5, "receiving", PHASE_HEADERS, MOVED, idle_timeout_us,
    E_TIMEOUT_IDLE, NULL)
STATE(SAVING, 6, "saving", PHASE_OUTPUT, NONE, max_time_us, E_OK, enter_saving)
STATE(PARSING, 7, "parsing", PHASE_INTERNAL, NONE, max_time_us, E_OK,
    enter_parsing)
STATE(EMITTING, 8, "emitting", PHASE_OUTPUT, NONE, max_time_us, E_OK,
    enter_emitting)
STATE(DONE, 9, "done", PHASE_INTERNAL, NONE, max_time_us, E_OK, enter_done)
