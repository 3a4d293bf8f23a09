/*
 * The nearest colour of a small palette, by distance in CIELAB: there equal
 * distances look about equally different, while in RGB a dark blue is "near" black
 * and an orange is as near to green as to red.
 */
#include "config.h"

#include <math.h>

#include "weir/base/util.h"

#include "theme-impl.h"

/* xterm's values of the 16; terminals differ, but not in which is which. */
static const int ansi[16] = { 0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd,
	0x00cdcd, 0xe5e5e5, 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff,
	0x00ffff, 0xffffff };

int
theme_rgb(int color)
{
	static const int step[] = { 0, 95, 135, 175, 215, 255 };
	int i = color - 16;

	if (color & COLOR_RGB)
		return color & 0xffffff;
	if (color < 16)
		return ansi[color];
	if (color >= 232)
		return (8 + 10 * (color - 232)) * 0x010101;
	return step[i / 36] << 16 | step[i / 6 % 6] << 8 | step[i % 6];
}

double
theme_linear(int byte)
{
	double v = byte / 255.0;

	return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double
lab_root(double t)
{
	return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

struct lab
theme_lab(const double rgb[3])
{
	double r = rgb[0], g = rgb[1], b = rgb[2];
	double x = lab_root((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
	double y = lab_root(0.2126 * r + 0.7152 * g + 0.0722 * b);
	double z = lab_root((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);

	return (struct lab){ 116 * y - 16, 500 * (x - y), 200 * (y - z) };
}

static struct lab
lab_of(int color)
{
	int rgb = theme_rgb(color);

	return theme_lab((const double[]){ theme_linear(rgb >> 16 & 0xff),
		theme_linear(rgb >> 8 & 0xff), theme_linear(rgb & 0xff) });
}

static double
distance(struct lab p, struct lab q)
{
	double l = p.l - q.l, a = p.a - q.a, b = p.b - q.b;

	return l * l + a * a + b * b;
}

int
theme_nearest(int color, unsigned palette)
{
	/* The first 16 of 256 are the user's own and may be anything: not used. */
	int first = palette == 256 ? 16 : 0, best = first;
	double best_distance = INFINITY;
	struct lab want;

	if (color == COLOR_DEFAULT || (color >= 0 && (unsigned)color < palette))
		return color;
	want = lab_of(color);
	for (int i = first; i < (int)palette; i++) {
		double d = distance(want, lab_of(i));

		if (d < best_distance) {
			best_distance = d;
			best = i;
		}
	}
	return best;
}
