/* SPDX-License-Identifier: ISC */
/* The program fetchd-worker. */
#include <stddef.h>

#include "worker/worker.h"

int
main(int argc, char **argv)
{
	return worker_main(argc, argv, NULL);
}
