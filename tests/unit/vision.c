#include "config.h"

#include "vision.h"

#include <math.h>

#include "weir/base/util.h"

#define DEGREE (3.14159265358979323846 / 180)

const char *const vision_words[VISION_COUNT] = { "normal", "protan", "deutan", "tritan" };

/* On linear light. */
static const double machado[VISION_COUNT][3][3] = {
	{ { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } },
	{ { 0.152286, 1.052583, -0.204868 }, { 0.114503, 0.786281, 0.099216 },
		{ -0.003882, -0.048116, 1.051998 } },
	{ { 0.367322, 0.860646, -0.227968 }, { 0.280085, 0.672501, 0.047413 },
		{ -0.011820, 0.042940, 0.968881 } },
	{ { 1.255528, -0.076749, -0.178779 }, { -0.078411, 0.930809, 0.147602 },
		{ 0.004733, 0.691367, 0.303900 } },
};

struct lab
vision_see(enum vision v, int color)
{
	int rgb = theme_rgb(color);
	double light[3], seen[3];

	for (int i = 0; i < 3; i++)
		light[i] = theme_linear(rgb >> (16 - 8 * i) & 0xff);
	for (int i = 0; i < 3; i++) {
		seen[i] = 0;
		for (int k = 0; k < 3; k++)
			seen[i] += machado[v][i][k] * light[k];
		seen[i] = CLAMP(seen[i], 0, 1);
	}
	return theme_lab(seen);
}

static double
hue(double a, double b)
{
	double h = atan2(b, a) / DEGREE;

	return a == 0 && b == 0 ? 0 : h < 0 ? h + 360 : h;
}

static double
seventh(double c)
{
	double c7 = pow(c, 7);

	return sqrt(c7 / (c7 + pow(25, 7)));
}

/* The mean of two hues, the short way round. */
static double
mean_hue(double h1, double h2)
{
	if (fabs(h1 - h2) <= 180)
		return (h1 + h2) / 2;
	return (h1 + h2 + (h1 + h2 < 360 ? 360 : -360)) / 2;
}

/* As Sharma, Wu and Dalal write it down, "The CIEDE2000 Color-Difference Formula" (2005). */
double
vision_distance(struct lab p, struct lab q)
{
	double g = 0.5 * (1 - seventh((hypot(p.a, p.b) + hypot(q.a, q.b)) / 2));
	double a1 = (1 + g) * p.a, a2 = (1 + g) * q.a;
	double c1 = hypot(a1, p.b), c2 = hypot(a2, q.b), c = (c1 + c2) / 2;
	double h1 = hue(a1, p.b), h2 = hue(a2, q.b), turn = h2 - h1, h, t, l;
	double dl, dc, dh, sl, sc, sh, twist;

	if (fabs(turn) > 180)
		turn += turn < 0 ? 360 : -360;
	if (c1 * c2 == 0)
		turn = 0;
	h = c1 * c2 == 0 ? h1 + h2 : mean_hue(h1, h2);
	dl = q.l - p.l;
	dc = c2 - c1;
	dh = 2 * sqrt(c1 * c2) * sin(turn / 2 * DEGREE);
	t = 1 - 0.17 * cos((h - 30) * DEGREE) + 0.24 * cos(2 * h * DEGREE) +
	    0.32 * cos((3 * h + 6) * DEGREE) - 0.20 * cos((4 * h - 63) * DEGREE);
	l = ((p.l + q.l) / 2 - 50) * ((p.l + q.l) / 2 - 50);
	sl = 1 + 0.015 * l / sqrt(20 + l);
	sc = 1 + 0.045 * c;
	sh = 1 + 0.015 * c * t;
	twist = -sin(60 * exp(-pow((h - 275) / 25, 2)) * DEGREE) * 2 * seventh(c);
	dl /= sl;
	dc /= sc;
	dh /= sh;
	return sqrt(dl * dl + dc * dc + dh * dh + twist * dc * dh);
}

static double
luminance(int color)
{
	int rgb = theme_rgb(color);

	return 0.2126 * theme_linear(rgb >> 16 & 0xff) +
	       0.7152 * theme_linear(rgb >> 8 & 0xff) + 0.0722 * theme_linear(rgb & 0xff);
}

double
vision_contrast(int fg, int bg)
{
	double a = luminance(fg), b = luminance(bg);

	return (MAX(a, b) + 0.05) / (MIN(a, b) + 0.05);
}
