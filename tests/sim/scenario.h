/* SPDX-License-Identifier: ISC */
/* What the scenarios share. Each file of them has one list of tests. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim.h"

/* n, multiplied by SIM_SCALE from the environment if that is set. */
uint64_t scale(uint64_t n);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* An origin that answers soon and does nothing wrong; what is said after it
 * replaces it. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define FAST \
	.lookup_at_us = 10 * MS, .connect_us = 10 * MS, .tls_us = 20 * MS, \
	.first_at_us = 20 * MS, .piece_us = MS, .body_bytes = 500

int run_limits(void);    /* limits.c: limits, fairness, back-pressure */
int run_faults(void);    /* faults.c: timeouts, resend, shortage, stop */
int run_redirects(void); /* redirects.c: chains, what is sent again */
int run_retry(void);     /* retry.c: how often, when, what */
int run_governor(void);  /* governor.c: origins that ask to wait */
int run_silence(void);   /* silence.c: origins that do not answer */
int run_pace(void);      /* pace.c: rates and delays */
int run_budgets(void);   /* budgets.c: --budget */
int run_network(void);   /* network.c: no network at all */
int run_chaos(void);     /* chaos.c: everything at once, and stops */
int run_crowds(void);    /* crowd.c: many origins */
int run_drain(void);     /* drain.c: stops while items wait */
int run_parsing(void);   /* parsing.c: answers that are parsed */
int run_saving(void);    /* saving.c: bodies that go to files */
int run_seams(void);     /* seams.c: input, output and tokens */
int run_resume(void);    /* resume.c: what a run before has left */
int run_restore(void);   /* restore.c: what a run before has learnt */
int run_uploads(void);   /* uploads.c: bodies that are read from files */
int run_jobs(void);      /* jobs.c: several jobs in one engine */
int run_capacity(void);  /* capacity.c: long lists, many hosts, the rate */

#endif
