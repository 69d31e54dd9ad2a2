/* SPDX-License-Identifier: ISC */
/*
 * IS_SANITISED: is this a build with AddressSanitizer? It maps terabytes, makes
 * system calls of its own, and traces the process at exit to find leaks. So
 * such a build sets no memory limit and no system call filter, and stays
 * dumpable.
 */
#ifndef BASE_SANITISED_H
#define BASE_SANITISED_H

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITISED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITISED 1
#endif
#endif
#ifndef IS_SANITISED
#define IS_SANITISED 0
#endif

#endif
