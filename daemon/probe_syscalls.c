/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/probe_syscalls.h"

#ifdef __SANITIZE_ADDRESS__
int probe_syscalls_filter(void)
{
	return 0;
}
#else

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/probe_wire.h"

#define DESCRIPTOR_MAX 2047 /* of those that probe_confine() may allow */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Whatever the arguments. What an architecture does not have is left out by the library. */
static const int allowed[] = {
	/* sockets it has, and their messages */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg), SCMP_SYS(recv), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(send),
	SCMP_SYS(connect), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64), SCMP_SYS(close), SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	/* memory */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* time, random numbers, itself */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_nanosleep_time64), SCMP_SYS(nanosleep),
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(futex),
	SCMP_SYS(futex_time64), SCMP_SYS(sysinfo), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/*
 * Libraries look for files of theirs when they are first used and go on without. libiscsi puts a
 * new socket in an old one's place when it connects anew by itself, which it is told not to do.
 */
static const int refused[] = {
	SCMP_SYS(open),	     SCMP_SYS(openat),	  SCMP_SYS(openat2),	SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(stat),	SCMP_SYS(stat64),
	SCMP_SYS(lstat),     SCMP_SYS(lstat64),	  SCMP_SYS(newfstatat), SCMP_SYS(fstatat64),
	SCMP_SYS(statx),     SCMP_SYS(readlink),  SCMP_SYS(readlinkat), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(dup2),	     SCMP_SYS(dup3),
};

static int add_lists(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; !r && i < COUNT(allowed); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !r && i < COUNT(refused); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), refused[i], 0);
	return r;
}

/* A rule for calls whose argument 'number' compares so; of a masked one 'value' is the mask. */
static int add_rule(scmp_filter_ctx filter, uint32_t action, int call, unsigned int number,
		    enum scmp_compare compare, uint64_t value)
{
	const struct scmp_arg_cmp argument = {
		.arg = number, .op = compare, .datum_a = value, .datum_b = 0};

	return seccomp_rule_add_array(filter, action, call, 1, &argument);
}

static int add_socket(scmp_filter_ctx filter, int family)
{
	struct scmp_arg_cmp arguments[] = {
		{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)family, .datum_b = 0},
		/* SOCK_CLOEXEC and SOCK_NONBLOCK are above these bits */
		{.arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xff, .datum_b = SOCK_STREAM},
		/* not SCTP, which is a stream too */
		{.arg = 2, .op = SCMP_CMP_EQ, .datum_a = 0, .datum_b = 0},
	};
	const uint32_t refuse = SCMP_ACT_ERRNO(ESOCKTNOSUPPORT);
	int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), COUNT(arguments),
				       arguments);

	/* The C library asks any socket for the name of an interface, and goes on without. */
	arguments[1].datum_b = SOCK_DGRAM;
	if (!r)
		r = seccomp_rule_add_array(filter, refuse, SCMP_SYS(socket), 2, arguments);
	return r;
}

/* TCP alone; other families, which libraries try, are "not supported". */
static int add_sockets(scmp_filter_ctx filter)
{
	const uint32_t refuse = SCMP_ACT_ERRNO(EAFNOSUPPORT);
	int r = add_rule(filter, refuse, SCMP_SYS(socket), 0, SCMP_CMP_GT, AF_INET6);

	for (int family = 0; !r && family <= AF_INET6; family++) {
		if (family == AF_INET || family == AF_INET6)
			r = add_socket(filter, family);
		else
			r = add_rule(filter, refuse, SCMP_SYS(socket), 0, SCMP_CMP_EQ,
				     (uint64_t)family);
	}
	return r;
}

/*
 * libiscsi makes its sockets non-blocking. Of the descriptors it was given the child changes
 * nothing: those above PROBE_WIRE_FD have a bit that these have not, and the kernel looks, as the
 * mask does, at the lower half of an argument alone.
 */
static int add_flags(scmp_filter_ctx filter, int call)
{
	struct scmp_arg_cmp arguments[] = {
		{.arg = 0, .op = SCMP_CMP_MASKED_EQ},
		{.arg = 1, .op = SCMP_CMP_EQ, .datum_a = F_SETFL, .datum_b = 0},
	};
	int r = add_rule(filter, SCMP_ACT_ALLOW, call, 1, SCMP_CMP_EQ, F_GETFL);

	if (!r)
		r = add_rule(filter, SCMP_ACT_ALLOW, call, 1, SCMP_CMP_EQ, F_SETFD);
	for (uint64_t bit = PROBE_WIRE_FD + 1; !r && bit <= DESCRIPTOR_MAX; bit <<= 1) {
		arguments[0].datum_a = arguments[0].datum_b = bit;
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, COUNT(arguments),
					   arguments);
	}
	return r;
}

static int add_options(scmp_filter_ctx filter)
{
	static const int calls[] = {SCMP_SYS(getsockopt), SCMP_SYS(setsockopt)};
	static const uint64_t levels[] = {SOL_SOCKET, IPPROTO_TCP};
	int r = 0;

	for (size_t i = 0; i < COUNT(calls); i++)
		for (size_t j = 0; !r && j < COUNT(levels); j++)
			r = add_rule(filter, SCMP_ACT_ALLOW, calls[i], 1, SCMP_CMP_EQ, levels[j]);
	if (!r)
		r = add_flags(filter, SCMP_SYS(fcntl));
	if (!r)
		r = add_flags(filter, SCMP_SYS(fcntl64));
	return r;
}

/* Memory that cannot be run; and abort() of itself, so that the engine can tell why it ended. */
static int add_rest(scmp_filter_ctx filter)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)};
	int r = 0;

	for (size_t i = 0; !r && i < COUNT(calls); i++)
		r = add_rule(filter, SCMP_ACT_ALLOW, calls[i], 2, SCMP_CMP_MASKED_EQ, PROT_EXEC);
	if (!r)
		r = add_rule(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 0, SCMP_CMP_EQ,
			     (uint64_t)getpid());
	return r;
}

int probe_syscalls_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!r)
		r = add_lists(filter);
	if (!r)
		r = add_sockets(filter);
	if (!r)
		r = add_options(filter);
	if (!r)
		r = add_rest(filter);
	if (!r)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}
#endif
