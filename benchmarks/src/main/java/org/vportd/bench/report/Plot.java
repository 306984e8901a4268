package org.vportd.bench.report;

import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.Styler;

/** Draws the ratios of throughput to the limit, with their spread. */
public final class Plot {
    private static final int HEIGHT = 600;
    private static final int MARGIN = 250;
    private static final int PER_BAR = 34;
    private static final int LEAST_WIDTH = 700;
    private static final Color BAR = new Color(0x3b, 0x6e, 0xa5);
    private static final Color CPU_BAR = new Color(0xc9, 0x8f, 0x3e);

    private Plot() {}

    /** Writes a PNG beside a report; nothing if it has no such ratios. */
    public static void write(List<Figure> figures, Path report) throws IOException {
        List<Figure> speeds = ratios(figures, "throughput");
        if (speeds.isEmpty()) {
            return;
        }
        System.setProperty("java.awt.headless", "true");
        List<String> names = speeds.stream().map(Figure::scenario).toList();
        CategoryChart chart = new CategoryChartBuilder()
                .width(Math.max(LEAST_WIDTH, MARGIN + PER_BAR * names.size()))
                .height(HEIGHT)
                .title("vportd beside a plain loop on the same kind of descriptor (1 = the plain loop)")
                .yAxisTitle("ratio: median, and a line as long as the spread")
                .build();
        Styler styler = chart.getStyler();
        styler.setLegendPosition(Styler.LegendPosition.OutsideS);
        styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 15));
        styler.setChartBackgroundColor(Color.WHITE);
        chart.getStyler().setXAxisLabelRotation(60);
        chart.getStyler().setYAxisMin(0.0);
        chart.getStyler().setAvailableSpaceFill(0.8);
        chart.addSeries(
                        "throughput (more is better)",
                        names,
                        speeds.stream().map(Figure::ratio).toList(),
                        speeds.stream().map(Plot::halfSpread).toList())
                .setFillColor(BAR);
        List<Figure> costs = ratios(figures, "CPU");
        if (costs.size() == speeds.size()) {
            chart.addSeries(
                            "CPU time a byte (less is better)",
                            names,
                            costs.stream().map(Figure::ratio).toList(),
                            costs.stream().map(Plot::halfSpread).toList())
                    .setFillColor(CPU_BAR);
        }
        String base = Report.beside(report, "").toString();
        BitmapEncoder.saveBitmap(chart, base, BitmapEncoder.BitmapFormat.PNG);
    }

    private static List<Figure> ratios(List<Figure> figures, String measure) {
        return figures.stream()
                .filter(figure -> figure.measure().equals(measure) && !Double.isNaN(figure.ratio()))
                .toList();
    }

    private static double halfSpread(Figure figure) {
        return (figure.high() - figure.low()) / 2;
    }
}
