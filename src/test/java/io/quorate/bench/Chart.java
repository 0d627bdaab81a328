package io.quorate.bench;

import java.util.List;
import java.util.Locale;

/** Ratios as bars on a logarithmic scale, with a stroke where the target is. */
final class Chart {
  private static final int ROW = 24;
  private static final int LEFT = 330;
  private static final int WIDTH = 980;
  private static final int TOP = 54;
  private static final double LOWEST = 1 / 16.0;
  private static final double HIGHEST = 16;

  private Chart() {}

  static String svg(List<Report.Comparison> rows) {
    int height = TOP + ROW * rows.size() + 20;
    var svg = new StringBuilder();
    add(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\""
            + " font-size=\"12\">",
        WIDTH,
        height);
    add(svg, "<rect width=\"%d\" height=\"%d\" fill=\"white\"/>", WIDTH, height);
    add(
        svg,
        "<text x=\"10\" y=\"20\" font-size=\"15\">Quorate's number divided by its peer's; dark"
            + " stroke: target</text>");
    for (double ratio : new double[] {0.125, 0.25, 0.5, 1, 2, 4, 8}) {
      add(
          svg,
          "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"%s\"/>",
          x(ratio),
          x(ratio),
          TOP - 6,
          height - 14,
          ratio == 1 ? "#666" : "#ddd");
      add(
          svg,
          "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#555\">%s ×</text>",
          x(ratio),
          TOP - 12,
          ratio < 1 ? "1/" + Math.round(1 / ratio) : Long.toString(Math.round(ratio)));
    }
    int y = TOP;
    for (Report.Comparison row : rows) {
      double from = Math.min(x(1), x(row.ratio()));
      double to = Math.max(x(1), x(row.ratio()));
      String colour =
          row.target()
              .map(target -> target.isMet(row.ratio()) ? "#3a8f5c" : "#c2543d")
              .orElse("#7a93b0");
      add(
          svg,
          "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>",
          LEFT - 8,
          y + 15,
          row.name());
      add(
          svg,
          "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>",
          from,
          y + 3,
          Math.max(1, to - from),
          ROW - 8,
          colour);
      if (row.target().isPresent()) {
        double at = x(row.target().get().bound());
        add(
            svg,
            "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#222\""
                + " stroke-width=\"3\"/>",
            at,
            at,
            y,
            y + ROW - 2);
      }
      add(
          svg,
          "<text x=\"%d\" y=\"%d\" fill=\"#333\">%s × %s (%s / %s)</text>",
          WIDTH - 215,
          y + 15,
          Report.number(row.ratio(), 2),
          row.peer().label(),
          Report.number(row.ours(), row.metric().decimals()),
          Report.number(row.theirs(), row.metric().decimals()));
      y += ROW;
    }
    return svg.append("</svg>\n").toString();
  }

  private static double x(double ratio) {
    double clamped = Math.clamp(ratio, LOWEST, HIGHEST);
    double share = Math.log(clamped / LOWEST) / Math.log(HIGHEST / LOWEST);
    return LEFT + share * (WIDTH - 225 - LEFT);
  }

  private static void add(StringBuilder svg, String form, Object... values) {
    svg.append(String.format(Locale.ROOT, form, values)).append('\n');
  }
}
