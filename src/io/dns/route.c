/* SPDX-License-Identifier: ISC */
/* connect() of a datagram socket looks up a route and sends nothing. */
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
	int exists;

	if (fd == -1)
		return 1; /* unknown */
	exists = connect(fd, &a->sa, n) == 0 ||
		 (errno != ENETUNREACH && errno != EHOSTUNREACH &&
		     errno != ENETDOWN);
	close(fd);
	return exists;
}
