/* SPDX-License-Identifier: ISC */
/* Connecting a datagram socket looks its route up, and does no more. */
#include "io/dns/route.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

int
route_exists(const union resolve_addr *a)
{
	socklen_t n =
	    a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
	int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int is_there;

	if (fd == -1)
		return 1; /* it cannot be told */
	is_there = connect(fd, &a->sa, n) == 0 ||
		   (errno != ENETUNREACH && errno != EHOSTUNREACH &&
		       errno != ENETDOWN);
	close(fd);
	return is_there;
}
