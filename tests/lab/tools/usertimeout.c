/* SPDX-License-Identifier: GPL-2.0-or-later */
/* usertimeout PID FD: prints TCP_USER_TIMEOUT (ms) of that descriptor of that process, as the
 * kernel says. Plain pidfd_getfd(), none of the product's code: a second opinion. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	socklen_t size = sizeof(unsigned int);
	unsigned int ms;
	int pidfd, fd;

	if (argc != 3)
		return 2;
	pidfd = (int)syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(argv[2]), 0);
	if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, &size) < 0) {
		perror("usertimeout");
		return 1;
	}
	printf("%u\n", ms);
	return 0;
}
