/*
 * Painting the lines of a map.
 *
 * First every piece leaves its arms in the cells it covers, with the worst severity
 * of the flows it carries: so a path in trouble is one unbroken heavy line from the
 * cause to the way in, and splits off a calm trunk where it leaves it. Then each cell
 * is drawn. A cell of two nets is a crossing and becomes a bridge: one line goes
 * through whole, the other is interrupted. So `┼` and `├` always mean joined. The
 * more severe line is on top, of equals the vertical one.
 */
#include "config.h"

#include <string.h>

#include "map.h"
#include "weir/base/util.h"

struct brush {
	const struct map_frame *f;
	struct map_ink *ink;
	int net;
	int grade; /* severity + 1 */
	bool lit;
};

static void
add_arm(struct brush *b, int x, int y, int arm)
{
	const struct rect *r = &b->f->area;
	struct map_ink *ink = &b->ink[(y - r->y) * r->w + x - r->x];

	for (int i = 0; i < 2; i++) {
		if (ink->net[i] && ink->net[i] != b->net + 1)
			continue;
		ink->net[i] = b->net + 1;
		ink->arm[i][arm] = (uint8_t)MAX(ink->arm[i][arm], b->grade);
		ink->lit[i] |= b->lit;
		return;
	}
}

/* Both ends are in half cells; only what is inside the area is walked. */
static void
draw_piece(struct brush *b, const struct layout_piece *p)
{
	const struct rect *r = &b->f->area;
	int at = p->at + (p->vertical ? b->f->x : b->f->y);
	int shift = 2 * (p->vertical ? b->f->y : b->f->x);
	int low = 2 * (p->vertical ? r->y : r->x);
	int high = low + 2 * (p->vertical ? r->h : r->w);
	int from = MAX(p->from + shift, low), to = MIN(p->to + shift, high);

	if (p->vertical ? at < r->x || at >= r->x + r->w : at < r->y || at >= r->y + r->h)
		return;
	for (int half = from; half < to; half++) {
		if (p->vertical)
			add_arm(b, at, half / 2, half % 2 ? ARM_DOWN : ARM_UP);
		else
			add_arm(b, half / 2, at, half % 2 ? ARM_RIGHT : ARM_LEFT);
	}
}

static int
worst(const uint8_t arm[ARM_COUNT])
{
	return MAX(MAX(arm[ARM_UP], arm[ARM_DOWN]), MAX(arm[ARM_LEFT], arm[ARM_RIGHT]));
}

static bool
is_vertical(const uint8_t arm[ARM_COUNT])
{
	return arm[ARM_UP] && arm[ARM_DOWN] && !arm[ARM_LEFT] && !arm[ARM_RIGHT];
}

/* Which of the two nets of a cell goes over the other. */
static int
top_net(const struct map_ink *ink)
{
	int a = worst(ink->arm[0]), b = worst(ink->arm[1]);

	if (!ink->net[1] || ink->lit[0] > ink->lit[1])
		return 0;
	if (ink->lit[1] > ink->lit[0])
		return 1;
	if (a != b)
		return a < b;
	return !is_vertical(ink->arm[0]);
}

/* A calm line that belongs to what is selected is as bright as text. */
enum role
map_line_role(enum severity s, bool lit)
{
	return lit && s <= SEV_OK ? ROLE_TEXT : map_edge_role(s);
}

static struct cell
line_cell(const uint8_t arm[ARM_COUNT], bool dim, bool lit)
{
	int grade = worst(arm);
	struct cell c = { .kind = CELL_LINE,
		.round = true,
		.role = (uint8_t)map_line_role((enum severity)(grade - 1), lit),
		.attr = grade - 1 == SEV_WARN ? ATTR_BOLD : 0 };

	for (int i = 0; i < ARM_COUNT; i++)
		if (arm[i])
			c.arm[i] = (uint8_t)map_edge_weight((enum severity)(arm[i] - 1));
	if (dim)
		c.attr = ATTR_DIM;
	return c;
}

static bool
strand_lit(const struct map_frame *f, const struct layout_slice *s)
{
	for (int i = 0; i < s->count; i++)
		if (f->lit_edge[f->plan->pic->strand_edge[s->first + i]])
			return true;
	return false;
}

static enum severity
strand_severity(const struct map_frame *f, const struct layout_slice *s)
{
	enum severity worst_flow = SEV_IDLE;

	for (int i = 0; i < s->count; i++) {
		int e = f->plan->pic->strand_edge[s->first + i];

		worst_flow = MAX(worst_flow, f->edge_flow[e].severity);
	}
	return worst_flow;
}

void
map_paint_lines(const struct map_frame *f, struct grid *g, struct map_ink *ink)
{
	const struct layout_picture *pic = f->plan->pic;
	struct brush b = { .f = f, .ink = ink };

	memset(ink, 0, (size_t)f->area.w * (size_t)f->area.h * sizeof(*ink));
	for (int i = 0; i < pic->pieces; i++) {
		const struct layout_slice *s = &pic->strand[pic->piece[i].strand];

		b.net = pic->piece[i].net;
		b.grade = (int)strand_severity(f, s) + 1;
		b.lit = f->select && strand_lit(f, s);
		draw_piece(&b, &pic->piece[i]);
	}
	for (int y = 0; y < f->area.h; y++)
		for (int x = 0; x < f->area.w; x++) {
			const struct map_ink *cell = &ink[y * f->area.w + x];
			int top = top_net(cell);

			if (cell->net[0])
				grid_put(g, f->area.x + x, f->area.y + y,
					line_cell(cell->arm[top],
						f->select && !cell->lit[top],
						f->select && cell->lit[top]));
		}
}

/* ---- feedback, which is drawn only while one of its ends is selected */

/* A dotted arm over what is blank; lines and cards stay as they are. */
static void
put_dotted(const struct map_frame *f, struct grid *g, int x, int y, bool vertical)
{
	struct cell c = { .kind = CELL_LINE, .role = ROLE_CHIP };
	int one = vertical ? ARM_UP : ARM_LEFT, other = vertical ? ARM_DOWN : ARM_RIGHT;

	if (x < f->area.x || x >= f->area.x + f->area.w ||
		grid_at(g, x, y).kind != CELL_BLANK)
		return;
	c.arm[one] = c.arm[other] = WEIGHT_DOTTED;
	grid_put(g, x, y, c);
}

/*
 * From the row where the caller names it to the left, and up or down beside the
 * callee to its title.
 */
static void
paint_back_line(const struct map_frame *f, struct grid *g, const struct layout_box *from,
	int row, const struct layout_box *to)
{
	int x = f->x + to->x + to->w, y = f->y + to->y, start = f->x + from->x - 1;

	for (int i = x + 1; i <= start; i++)
		put_dotted(f, g, i, row, false);
	for (int i = MIN(y, row) + (y < row); i <= MAX(y, row) - (y > row); i++)
		put_dotted(f, g, x, i, true);
	grid_glyph(g, x, y, GLYPH_ARROW_LEFT, ROLE_CHIP, ATTR_BOLD);
}

void
map_paint_feedback(const struct map_frame *f, struct grid *g)
{
	const struct map_plan *p = f->plan;
	int card;

	if (f->selected_node < 0 || p->card_of_node[f->selected_node] < 0)
		return;
	card = p->card_of_node[f->selected_node];
	for (int c = 0; c < p->cards; c++) {
		const struct layout_box *box = &p->pic->box[c];
		int shown = MIN(box->backs, LAYOUT_BACK_ROWS);
		int bottom = f->y + box->y + box->h - (p->level.style == MAP_CARD);

		for (int i = 0; i < box->backs; i++) {
			int e = p->pic->back_edge[box->first_back + i];
			int row = bottom - shown + MIN(i, shown - 1);

			if (c != card && p->edge[e].dst != card)
				continue;
			paint_back_line(f, g, box, row, &p->pic->box[p->edge[e].dst]);
		}
	}
}
