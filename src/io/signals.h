/* SPDX-License-Identifier: ISC */
/*
 * What signals do while no event loop listens to them: before it and after it.
 */
#ifndef IO_SIGNALS_H
#define IO_SIGNALS_H

/* The exit status of a run that was stopped before it began (EX_TEMPFAIL). */
#define SIGNALS_STOPPED 75

/* Was sig ignored when the process started (nohup, a shell's &)? */
int signals_is_ignored(int sig);
/*
 * First of all: INT, HUP and TERM end the process with SIGNALS_STOPPED, as
 * nothing has been started or written yet; USR1 and USR2 are not answered. INT
 * and HUP that are ignored stay ignored. A write that fails raises no signal.
 */
void signals_before_loop(void);
/* The exit status is decided: what comes from now on changes nothing. */
void signals_after_loop(void);

#endif
