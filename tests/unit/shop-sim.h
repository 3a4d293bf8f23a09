/*
 * shop-sim - a shop of fifteen services that can be made to fail, for tests.
 *
 * Requests arrive at random at `frontend`, fan out in parallel groups and in sequence,
 * wait for data bases, put messages into a queue; a job runs now and then. Every call
 * becomes an event with its end and latency. What goes wrong is told by hooks that are
 * asked at each call. Everything is drawn from one seeded generator: the same seed
 * gives the same events everywhere.
 */
#ifndef WEIR_TESTS_SHOP_SIM_H
#define WEIR_TESTS_SHOP_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_SERVICES(X)           \
	X(USER, "user")           \
	X(FRONTEND, "frontend")   \
	X(CATALOG, "catalog")     \
	X(RECOMMEND, "recommend") \
	X(CART, "cart")           \
	X(CHECKOUT, "checkout")   \
	X(PAYMENT, "payment")     \
	X(SHIPPING, "shipping")   \
	X(ADS, "ads")             \
	X(MONGO, "mongo")         \
	X(REDIS, "redis")         \
	X(POSTGRES, "postgres")   \
	X(CRON, "cron")           \
	X(REPORT, "report")       \
	X(WAREHOUSE, "warehouse") \
	X(KAFKA, "kafka")         \
	X(MAILER, "mailer")       \
	X(SMTP, "smtp")           \
	X(PROFILE, "profile")     \
	X(ADS2, "ads2")           \
	X(FRAUD, "fraud")

enum sim_service {
#define X(id, word) SIM_##id,
	SIM_SERVICES(X)
#undef X
	SIM_COUNT
};

const char *sim_name(uint32_t service);

struct sim_call {
	uint8_t callee, calls, group;
	double chance;
};

struct sim_node {
	double own_ms, sigma;
	struct sim_call call[6];
	uint8_t calls;
};

struct sim_event {
	double end_s, latency_s;
	uint8_t src, dst;
	bool failed, async;
};

struct sim {
	uint64_t rng[2];
	double spare; /* the second of a pair of normal numbers */
	bool has_spare;
	struct sim_node node[SIM_COUNT];
	double rate, begin, fault_s,
		after_s; /* fault at begin, for fault_s, then after_s */
	unsigned consumers;
	double free_at[4]; /* of the servers of `limited` */
	double consumer_free_at[16];
	unsigned servers, limited;
	unsigned outliers; /* for hooks that count */
	unsigned retry_src, retry_dst, retries;

	/* Hooks; NULL: nothing. @src is SIM_COUNT when asked for the service itself. */
	double (*traffic)(struct sim *s, double t);
	void (*slow)(struct sim *s, unsigned src, unsigned dst, double t, double *times,
		double *add_ms);
	/* Chance to fail, and after how many ms (negative: after the usual work). */
	double (*fail)(struct sim *s, unsigned src, unsigned dst, double t, double *ms);
	unsigned (*more)(struct sim *s, unsigned src, unsigned dst, double t);
	bool (*skip)(struct sim *s, unsigned src, unsigned dst, double t);
	bool (*unseen)(struct sim *s, const struct sim_event *e);

	struct sim_event *event;
	size_t events, cap;
};

/* The healthy shop: 30 requests a second, eight minutes, then a fault of three. */
void sim_init(struct sim *s, uint64_t seed);
void sim_done(struct sim *s);

/* Fill event[] with all, in the order of their ends. */
void sim_run(struct sim *s);

/* Fill it with the requests that begin in [@from, @to) alone; call for what follows. */
void sim_run_part(struct sim *s, double from, double to);

double sim_uniform(struct sim *s);
double sim_normal(struct sim *s);
bool sim_in_fault(const struct sim *s, double t);

#endif
