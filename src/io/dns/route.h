/* SPDX-License-Identifier: ISC */
/*
 * Is there a route to an address? Asks the kernel's routing table; sends
 * nothing.
 */
#ifndef IO_DNS_ROUTE_H
#define IO_DNS_ROUTE_H

#include "io/dns/resolve.h"

/* 0 if packets to `a` could not leave this machine just now. */
int route_exists(const union resolve_addr *a);

#endif
