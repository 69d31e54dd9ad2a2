/* SPDX-License-Identifier: ISC */
/* Runs the user's program as a parser (--exec). */
#ifndef WORKER_COPROCESS_H
#define WORKER_COPROCESS_H

#include "worker/sandbox.h"

/*
 * Executes argv[0] with arguments argv, without a shell: in a process group of
 * its own, killed when fetchd dies, with no_new_privs and the memory limit of
 * sb. Returns an exit status only on failure, after a message on stderr.
 */
int coprocess_run(const struct sandbox *sb, char **argv);

#endif
