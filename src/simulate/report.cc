#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "predict/chart.h"
#include "simulate/simulate.h"

namespace thaw::simulate {
namespace {

constexpr double kHour = 3600;
constexpr double kDay = 86400;

double gib(ByteCount memory) { return static_cast<double>(memory.value) / (1 << 30); }

double vcpu_seconds(const Outcome& outcome, const Scene& scene) {
  return outcome.busy_seconds * scene.cpu_millis / 1000;
}

double gib_seconds(const Outcome& outcome, double share_in_memory, const Scene& scene) {
  return (outcome.instance_seconds + outcome.hibernated_seconds * share_in_memory) *
         gib(scene.memory);
}

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string wait_text(double wait) { return wait == 0 ? "0" : format_duration(seconds(wait)); }

const predict::Paint& colour_of(size_t index) {
  static const std::array<predict::Paint, 4> kColours = {
      predict::kOrange, predict::Paint{0, 0.62, 0.45}, predict::kBlue,
      predict::Paint{0.8, 0.475, 0.655}};
  return kColours[index % kColours.size()];
}

std::vector<predict::AxisTick> time_ticks(double span) {
  // Whole hours of a day, or whole days.
  double step = kHour;
  for (const double wider : {1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 168.0, 720.0}) {
    step = wider * kHour;
    if (span / step <= 12) break;
  }
  if (span < 2 * kHour) step = std::max(60.0, std::ceil(span / 8 / 60) * 60);
  std::vector<predict::AxisTick> ticks;
  for (double at = 0; at <= span * 1.0001; at += step) {
    const std::string label = span < 2 * kHour ? fmt::format("{:.0f} min", at / 60)
                              : step < kDay    ? fmt::format("{:.0f} h", at / kHour)
                                               : fmt::format("day {:.0f}", at / kDay);
    ticks.push_back({at / kDay, label, ""});
  }
  return ticks;
}

using Slices = std::vector<float> Outcome::*;

void draw_panel(predict::Pen& pen, const predict::Box& box, std::string title, Slices slices,
                const std::vector<PolicyResult>& results, const Scene& scene) {
  float highest = 0;
  for (const PolicyResult& it : results) {
    for (const float value : it.outcome.*slices) highest = std::max(highest, value);
  }
  predict::ChartFrame frame;
  frame.box = box;
  frame.left = 0;
  frame.right = scene.span / kDay;
  frame.x = time_ticks(scene.span);
  frame.y = predict::value_ticks(0, std::max(1.0, static_cast<double>(highest)), 5, "");
  frame.title = std::move(title);
  predict::Chart chart(pen, frame);
  for (size_t p = 0; p < results.size(); ++p) {
    const auto& values = results[p].outcome.*slices;
    predict::Chart::Points points;
    for (size_t i = 0; i < values.size(); ++i) {
      const double at = (static_cast<double>(i) + 0.5) / static_cast<double>(values.size());
      points.push_back({at * scene.span / kDay, static_cast<double>(values[i])});
    }
    chart.curve(points, {.paint = colour_of(p), .width = 1.6});
  }
}

}  // namespace

std::string report_text(const std::vector<PolicyResult>& results, const Scene& scene) {
  std::string out = scene.title + "\n\n";
  out += fmt::format(
      "{:<10} {:>10} {:>8} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>10} {:>12} {:>8} {:>9}\n",
      "POLICY", "COLD WAITS", "SHARE", "P50", "P95", "P99", "429", "STARTS", "WAKES", "INSTANCE-H",
      "HIBERNATED-H", "VCPU-H", "GIB-H");
  for (const auto& [policy, it] : results) {
    out += fmt::format(
        "{:<10} {:>10} {:>7.2f}% {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>10.1f} {:>12.1f} {:>8.2f} "
        "{:>9.2f}\n",
        policy.name, it.cold_waits, 100 * share(it.cold_waits, it.calls),
        wait_text(it.waits.percentile(0.5)), wait_text(it.waits.percentile(0.95)),
        wait_text(it.waits.percentile(0.99)), it.refused, it.starts, it.wakes,
        it.instance_seconds / kHour, it.hibernated_seconds / kHour, vcpu_seconds(it, scene) / kHour,
        gib_seconds(it, policy.resting.share, scene) / kHour);
  }
  out += "\n";
  for (const auto& [policy, it] : results) {
    out += fmt::format("{:<10} {}\n", policy.name, policy.rule);
  }
  return out;
}

Json report_json(const std::vector<PolicyResult>& results, const Scene& scene) {
  Json rows = Json::array();
  for (const auto& [policy, it] : results) {
    Json instances = Json::array();
    for (const float value : it.instances) instances.push_back(static_cast<double>(value));
    Json cold = Json::array();
    for (const float value : it.cold) cold.push_back(static_cast<int64_t>(value));
    rows.push_back(Json::object({
        {"policy", Json(policy.name)},
        {"rule", Json(policy.rule)},
        {"calls", Json(it.calls)},
        {"cold_waits", Json(it.cold_waits)},
        {"wait_seconds", Json::object({{"sum", Json(it.wait_seconds)},
                                       {"p50", Json(it.waits.percentile(0.5))},
                                       {"p95", Json(it.waits.percentile(0.95))},
                                       {"p99", Json(it.waits.percentile(0.99))}})},
        {"refused", Json(it.refused)},
        {"starts", Json(it.starts)},
        {"wakes", Json(it.wakes)},
        {"instance_seconds", Json(it.instance_seconds)},
        {"hibernated_seconds", Json(it.hibernated_seconds)},
        {"vcpu_seconds", Json(vcpu_seconds(it, scene))},
        {"gib_seconds", Json(gib_seconds(it, policy.resting.share, scene))},
        {"most_instances_of_a_service", Json(it.most_instances)},
        {"mean_instances", std::move(instances)},
        {"cold_waits_over_time", std::move(cold)},
    }));
  }
  return Json::object({{"trace", Json(scene.title)},
                       {"span_seconds", Json(scene.span)},
                       {"slice_seconds", Json(scene.span / Outcome::kSlices)},
                       {"policies", std::move(rows)}});
}

void draw_report(predict::Pen& pen, const std::vector<PolicyResult>& results, const Scene& scene) {
  using predict::Lettering;
  pen.text({60, 30}, scene.title,
           {.paint = predict::kInk, .size = 16, .weight = Lettering::Weight::kBold});
  for (size_t p = 0; p < results.size(); ++p) {
    const double y = 50 + 18 * static_cast<double>(p);
    pen.line({{70, y - 4}, {94, y - 4}}, {.paint = colour_of(p), .width = 3});
    pen.text({100, y},
             fmt::format("{}: {} calls waited for a start, {:.0f} instance-hours",
                         results[p].policy.name, results[p].outcome.cold_waits,
                         results[p].outcome.instance_seconds / kHour),
             {.paint = predict::kInk, .size = 12});
  }
  draw_panel(pen, {70, 130, 970, 330}, "Instances in memory, mean over time", &Outcome::instances,
             results, scene);
  draw_panel(pen, {70, 400, 970, 600}, "Calls that waited for a start", &Outcome::cold, results,
             scene);
}

}  // namespace thaw::simulate
