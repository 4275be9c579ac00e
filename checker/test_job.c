/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "checker/test_job.h"
#include "common/clock.h"

/* Beyond what libc itself needs: SG_IO, a header and sense data fit many times. */
#define JOB_STACK (16 * 1024)
/* A thread that has nothing to do waits for the next test for so long, and no more of them do: where
 * many LUNs are tested in turn, a thread for each would cost as much as its test. */
#define IDLE_NS	 (3 * NS_PER_S)
#define IDLE_MAX 4

struct test_job {
	struct test_job *next; /* in the list of outstanding ones */
	struct test_job *next_offered;
	unsigned int holders;
	struct test_order order;
	void *block;
	bool ended;
	uint64_t ended_ns;
	struct lun_answer answer;
};

/*
 * One lock for all jobs, held for a few instructions at a time and never over a system
 * call but the wait: its holder of ordinary priority inherits that of a real-time waiter.
 */
static struct {
	pthread_once_t once;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	struct test_job *outstanding;
	pthread_cond_t offer; /* to threads that have nothing to do, */
	struct test_job *offered;
	unsigned int n_idle, n_offered; /* of which there are never fewer than offers */
	int error; /* of the initialisation */
} jobs = { .once = PTHREAD_ONCE_INIT };

static void jobs_init(void)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	jobs.error = -pthread_mutexattr_init(&mutex);
	if (jobs.error)
		return;
	/* not supported by every kernel: then without */
	pthread_mutexattr_setprotocol(&mutex, PTHREAD_PRIO_INHERIT);
	if (pthread_mutex_init(&jobs.lock, &mutex))
		jobs.error = -pthread_mutex_init(&jobs.lock, NULL);
	pthread_mutexattr_destroy(&mutex);
	if (jobs.error)
		return;
	jobs.error = -pthread_condattr_init(&cond);
	if (jobs.error)
		return;
	pthread_condattr_setclock(&cond, CLOCK_MONOTONIC);
	jobs.error = -pthread_cond_init(&jobs.ended, &cond);
	if (!jobs.error)
		jobs.error = -pthread_cond_init(&jobs.offer, &cond);
	pthread_condattr_destroy(&cond);
}

static void job_free(struct test_job *job)
{
	if (job->order.fd >= 0)
		close(job->order.fd);
	free(job->block);
	free(job);
}

/* Give up one hold; with the lock held. True: that was the last, free it. */
static bool job_drop(struct test_job *job)
{
	return --job->holders == 0;
}

static void outstanding_remove(struct test_job *job)
{
	struct test_job **p = &jobs.outstanding;

	while (*p && *p != job)
		p = &(*p)->next;
	if (*p)
		*p = job->next;
}

static void job_run(struct test_job *job)
{
	const struct lun_read wanted = { .block = job->block,
					 .size = job->order.block_size,
					 .alone = job->order.read_alone };
	struct lun_answer answer;
	uint64_t now_ns;
	bool last;

	lun_test(job->order.fd, job->order.timeout_ms, &wanted, &answer);
	close(job->order.fd); /* only this thread uses it: do not hold the device open */
	now_ns = clock_now_ns();

	pthread_mutex_lock(&jobs.lock);
	job->order.fd = -1;
	job->answer = answer;
	job->ended_ns = now_ns;
	job->ended = true;
	outstanding_remove(job);
	last = job_drop(job);
	pthread_cond_broadcast(&jobs.ended);
	pthread_mutex_unlock(&jobs.lock);
	if (last)
		job_free(job);
}

/* Until when, for pthread_cond_timedwait() */
static struct timespec until(uint64_t wait_ns)
{
	uint64_t then = clock_now_ns() + wait_ns;

	return (struct timespec){
		.tv_sec = (time_t)(then / NS_PER_S),
		.tv_nsec = (long)(then % NS_PER_S),
	};
}

/* With the lock held. NULL: there is none. */
static struct test_job *take_offer(void)
{
	struct test_job *job = jobs.offered;

	if (job) {
		jobs.offered = job->next_offered;
		jobs.n_offered--;
	}
	return job;
}

/* What to do next; NULL: nothing, end. One that gives up waiting takes an offer that was made in that
 * very moment. */
static struct test_job *next_job(void)
{
	struct timespec end = until(IDLE_NS);
	struct test_job *job = NULL;

	pthread_mutex_lock(&jobs.lock);
	if (jobs.n_idle < IDLE_MAX) {
		jobs.n_idle++;
		while (!jobs.offered)
			if (pthread_cond_timedwait(&jobs.offer, &jobs.lock, &end))
				break;
		jobs.n_idle--;
		job = take_offer();
	}
	pthread_mutex_unlock(&jobs.lock);
	return job;
}

/* To a thread that has nothing to do. False: there is none. */
static bool job_offer(struct test_job *job)
{
	bool idle;

	pthread_mutex_lock(&jobs.lock);
	idle = jobs.n_idle > jobs.n_offered;
	if (idle) {
		job->next_offered = jobs.offered;
		jobs.offered = job;
		jobs.n_offered++;
		pthread_cond_signal(&jobs.offer);
	}
	pthread_mutex_unlock(&jobs.lock);
	return idle;
}

static void *work(void *arg)
{
	/* the host may cancel what it knows; it does not know us, but costs nothing */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	for (struct test_job *job = arg; job; job = next_job())
		job_run(job);
	return NULL;
}

static size_t stack_size(void)
{
	long least = sysconf(_SC_THREAD_STACK_MIN), page = sysconf(_SC_PAGESIZE);
	size_t size = JOB_STACK + (least > 0 ? (size_t)least : (size_t)PTHREAD_STACK_MIN);
	size_t unit = page > 0 ? (size_t)page : 4096;

	return (size + unit - 1) / unit * unit;
}

static int thread_attributes(pthread_attr_t *attr)
{
	struct sched_param ordinary = { .sched_priority = 0 };
	int r = pthread_attr_init(attr);

	if (r)
		return -r;
	r = pthread_attr_setdetachstate(attr, PTHREAD_CREATE_DETACHED);
	if (!r)
		r = pthread_attr_setinheritsched(attr, PTHREAD_EXPLICIT_SCHED);
	if (!r)
		r = pthread_attr_setschedpolicy(attr, SCHED_OTHER);
	if (!r)
		r = pthread_attr_setschedparam(attr, &ordinary);
	if (!r)
		r = pthread_attr_setstacksize(attr, stack_size());
	if (r)
		pthread_attr_destroy(attr);
	return -r;
}

static int thread_start(struct test_job *job)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	int r = thread_attributes(&attr);

	if (r)
		return r;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&thread, &attr, work, job);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return r;
}

static int job_new(const struct test_order *order, struct test_job **ret)
{
	struct test_job *job = calloc(1, sizeof(*job));
	int r;

	if (!job)
		return -ENOMEM;
	job->order = *order;
	job->holders = 2; /* the caller and the thread */
	job->order.fd = fcntl(order->fd, F_DUPFD_CLOEXEC, 0);
	if (job->order.fd < 0) {
		r = -errno;
		job_free(job);
		return r;
	}
	if (order->block_size &&
	    posix_memalign(&job->block, LUN_TEST_BLOCK_MAX, order->block_size)) {
		job->block = NULL;
		job_free(job);
		return -ENOMEM;
	}
	*ret = job;
	return 0;
}

/* The test outstanding for a device, held once more; NULL: none. */
static struct test_job *outstanding_join(dev_t devt)
{
	struct test_job *job;

	pthread_mutex_lock(&jobs.lock);
	for (job = jobs.outstanding; job; job = job->next)
		if (job->order.devt == devt)
			break;
	if (job)
		job->holders++;
	pthread_mutex_unlock(&jobs.lock);
	return job;
}

static void outstanding_add(struct test_job *job)
{
	pthread_mutex_lock(&jobs.lock);
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): errno is never 0 in job_new() */
	job->next = jobs.outstanding;
	jobs.outstanding = job;
	pthread_mutex_unlock(&jobs.lock);
}

static void job_never_ran(struct test_job *job)
{
	pthread_mutex_lock(&jobs.lock);
	outstanding_remove(job);
	pthread_mutex_unlock(&jobs.lock);
	job_free(job);
}

int test_job_start(const struct test_order *order, struct test_job **ret, bool *ret_joined)
{
	struct test_job *job;
	int r;

	pthread_once(&jobs.once, jobs_init);
	if (jobs.error)
		return jobs.error;
	job = outstanding_join(order->devt);
	if (job) {
		*ret = job;
		*ret_joined = true;
		return 0;
	}
	r = job_new(order, &job);
	if (r)
		return r;
	outstanding_add(job);
	r = job_offer(job) ? 0 : thread_start(job);
	if (r) {
		job_never_ran(job);
		return r;
	}
	*ret = job;
	*ret_joined = false;
	return 0;
}

bool test_job_ended(struct test_job *job, uint64_t wait_ns, struct lun_answer *ret,
		    uint64_t *ret_ended_ns)
{
	struct timespec end = until(wait_ns);
	bool ended;

	pthread_mutex_lock(&jobs.lock);
	while (!job->ended && wait_ns)
		if (pthread_cond_timedwait(&jobs.ended, &jobs.lock, &end))
			break;
	ended = job->ended;
	if (ended) {
		*ret = job->answer;
		*ret_ended_ns = job->ended_ns;
	}
	pthread_mutex_unlock(&jobs.lock);
	return ended;
}

void test_job_put(struct test_job *job)
{
	bool last;

	if (!job)
		return;
	pthread_mutex_lock(&jobs.lock);
	last = job_drop(job);
	pthread_mutex_unlock(&jobs.lock);
	if (last)
		job_free(job);
}

unsigned int test_job_outstanding(void)
{
	unsigned int n = 0;

	pthread_once(&jobs.once, jobs_init);
	if (jobs.error)
		return 0;
	pthread_mutex_lock(&jobs.lock);
	for (struct test_job *job = jobs.outstanding; job; job = job->next)
		n++;
	pthread_mutex_unlock(&jobs.lock);
	return n;
}
