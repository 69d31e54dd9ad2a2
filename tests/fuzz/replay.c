/* SPDX-License-Identifier: ISC */
/* Runs a fuzz target over the files named on its command line. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	size_t n, cap = 32u << 20;

	if (f == NULL) {
		perror(path);
		exit(1);
	}
	data = malloc(cap);
	if (data == NULL)
		exit(1);
	n = fread(data, 1, cap, f);
	fclose(f);
	/*
	 * A copy of the exact size, so that AddressSanitizer detects a read
	 * past its end.
	 */
	uint8_t *exact = malloc(n > 0 ? n : 1);

	if (exact == NULL)
		exit(1);
	for (size_t i = 0; i < n; i++)
		exact[i] = data[i];
	free(data);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%d inputs replayed\n", argc - 1);
	return 0;
}
