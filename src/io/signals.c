/* SPDX-License-Identifier: ISC */
/*
 * Handlers that need no state: whoever has an event loop replaces them by its
 * own.
 */
#include "io/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

int
signals_is_ignored(int sig)
{
	struct sigaction sa;

	return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

static void
on_early_stop(int sig)
{
	static const char text[] = "fetchd: stopped before the first item\n";

	(void)sig;
	if (write(2, text, sizeof(text) - 1) < 0)
		_exit(SIGNALS_STOPPED); /* nobody reads it */
	_exit(SIGNALS_STOPPED);
}

static void
on_early_usr(int sig)
{
	(void)sig; /* nothing waits or runs yet */
}

static void
handle(int sig, void (*handler)(int))
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = SA_RESTART;
	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

/* All at once: none finds a handler set and acts by default itself. */
void
signals_before_loop(void)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	handle(SIGUSR1, on_early_usr);
	handle(SIGUSR2, on_early_usr);
	handle(SIGTERM, on_early_stop);
	if (!signals_is_ignored(SIGINT))
		handle(SIGINT, on_early_stop);
	if (!signals_is_ignored(SIGHUP))
		handle(SIGHUP, on_early_stop);
	handle(SIGPIPE, SIG_IGN);
	handle(SIGXFSZ, SIG_IGN); /* a limit on files is EFBIG */
	sigprocmask(SIG_SETMASK, &before, NULL);
}

void
signals_after_loop(void)
{
	sigset_t all;

	sigemptyset(&all);
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGHUP);
	sigaddset(&all, SIGTERM);
	sigaddset(&all, SIGUSR1);
	sigaddset(&all, SIGUSR2);
	sigprocmask(SIG_BLOCK, &all, NULL);
}
