#include "doctor/requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace thaw::doctor {
namespace {

constexpr int kRounds = 2;
constexpr int kTogether = 4;
constexpr Duration kReleased = seconds(30);

}  // namespace

bool are_staggered(const std::vector<Duration>& ends) {
  if (ends.size() < 3) return false;
  // One by one: n lengths in a row, with gaps alike. Together: all near the last one.
  const Duration first = ends.front();
  const Duration last = ends.back();
  const Duration even = last / static_cast<int>(ends.size());
  if (first > even * 2) return false;
  for (size_t i = 1; i < ends.size(); ++i) {
    if (ends[i] - ends[i - 1] < even / 2) return false;
  }
  return true;
}

Requests::Answer Requests::one(const std::string& path, Duration limit,
                               const std::function<void()>& meanwhile) {
  Answer answer;
  bool done = false;
  const Instant begin = patience_.now();
  ++sent_;
  const auto call =
      client_.fetch(to_, {.target = path}, limit, [&](Result<http::Response> response) {
        answer.after = patience_.now() - begin;
        answer.came = response.has_value();
        if (response) {
          answer.status = response->status;
        } else {
          answer.error = response.error().message();
        }
        done = true;
      });
  (void)patience_.until(
      [&] {
        if (!done && meanwhile) meanwhile();
        return done;
      },
      limit + seconds(1));
  if (!done) answer.error = "no answer";
  return answer;
}

std::vector<Requests::Answer> Requests::together(int count, Duration limit) {
  std::vector<Answer> answers(static_cast<size_t>(count));
  std::vector<std::unique_ptr<http::Call>> calls;
  int done = 0;
  const Instant begin = patience_.now();
  for (Answer& answer : answers) {
    ++sent_;
    calls.push_back(
        client_.fetch(to_, {.target = path_}, limit, [&, this](Result<http::Response> response) {
          answer.after = patience_.now() - begin;
          answer.came = response.has_value();
          if (response) answer.status = response->status;
          ++done;
        }));
  }
  (void)patience_.until([&] { return done == count; }, limit + seconds(1));
  return answers;
}

Requests::Round Requests::hold_round(Duration patient) {
  std::unique_ptr<io::Stream> held;
  bool connected = false;
  const auto connecting = net_.connect(to_, [&](Result<std::unique_ptr<io::Stream>> stream) {
    connected = true;
    if (stream) held = *std::move(stream);
  });
  (void)patience_.until([&] { return connected; }, patient);
  if (held == nullptr) return Round::kUnclear;
  const std::string begin = fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nX-Held: ", path_);
  const std::string_view first(begin);
  (void)held->write(std::span(&first, 1));
  ++sent_;
  // The server takes the first connection up before the second comes.
  patience_.rest(milliseconds(100));
  bool done = false;
  bool came = false;
  ++sent_;
  const auto call = client_.fetch(to_, {.target = path_}, kReleased + patient,
                                  [&](Result<http::Response> response) {
                                    done = true;
                                    came = response.has_value();
                                  });
  if (patience_.until([&] { return done; }, patient)) {
    return came ? Round::kOverlaps : Round::kUnclear;
  }
  const std::string_view rest("yes\r\nConnection: close\r\n\r\n");
  (void)held->write(std::span(&rest, 1));
  // Its answer is not read, but there is room for it.
  const bool released = patience_.until([&] { return done; }, kReleased);
  return released && came ? Round::kSerial : Round::kUnclear;
}

OverlapFacts::Verdict Requests::hold_and_ask(Duration patient) {
  for (int round = 0; round < kRounds; ++round) {
    const Round result = hold_round(patient);
    if (result == Round::kOverlaps) return OverlapFacts::Verdict::kOverlaps;
    if (result == Round::kUnclear) return OverlapFacts::Verdict::kNotTested;
  }
  return OverlapFacts::Verdict::kSerial;
}

OverlapFacts::Verdict Requests::time_together(Duration alone, Duration limit,
                                              std::vector<Duration>& ends) {
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<Answer> answers = together(kTogether, limit);
    ends.clear();
    for (const Answer& answer : answers) {
      if (!answer.came) return OverlapFacts::Verdict::kNotTested;
      ends.push_back(answer.after);
    }
    std::sort(ends.begin(), ends.end());
    const bool longer = ends.back() > alone * 2;
    if (!longer || !are_staggered(ends)) return OverlapFacts::Verdict::kOverlaps;
  }
  return OverlapFacts::Verdict::kSerial;
}

}  // namespace thaw::doctor
