#include "app/courier.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <variant>

namespace thaw::app {
namespace {

using Outcome = messaging::Courier::Outcome;

constexpr ByteCount kLargestAnswer = mib(1);
constexpr size_t kLongestQuote = 200;

/// The answer's first line, for the log and the dead-letter stream.
std::string quote_of(const http::Response& answer) {
  std::string text = fmt::format("the service answered {}", answer.status);
  const std::string line = answer.body.substr(0, answer.body.find_first_of("\r\n"));
  if (!line.empty()) text += ": " + line.substr(0, kLongestQuote);
  return text;
}

}  // namespace

/// One delivery. `done` is the last thing it does: it may be dropped inside.
class ServingCourier::Trip final : public messaging::Errand, private serving::SlotWaiter {
 public:
  Trip(ServingCourier& courier, const std::string& service, http::Request request, Duration timeout,
       std::function<void(Outcome)> done)
      : courier_(courier),
        service_(service),
        request_(std::move(request)),
        began_(courier.loop_.now()),
        deadline_(began_ + timeout),
        done_(std::move(done)) {}

  void begin() {
    const gateway::Target* target = nullptr;
    if (const gateway::Route* route = courier_.switchboard_.route_of(service_)) {
      target = route->choose(courier_.entropy_.next());
      request_.host = courier_.switchboard_.host_of(service_);
    }
    if (target == nullptr) {
      return finish_later({Outcome::Kind::kNotReached,
                           fmt::format("service '{}' is not deployed, or no revision of it is "
                                       "ready",
                                       service_)});
    }
    revision_ = target->revision;
    auto acquired = courier_.serving_.acquire({revision_, deadline_}, *this);
    if (auto* slot = std::get_if<serving::Slot>(&acquired)) {
      send(std::move(*slot));
    } else if (auto* refusal = std::get_if<serving::Refusal>(&acquired)) {
      finish_later({Outcome::Kind::kNotReached, refusal->message});
    } else {
      wait_ = std::move(std::get<serving::Wait>(acquired));
    }
  }

 private:
  void on_slot(serving::Slot slot) override { send(std::move(slot)); }
  void on_refused(const serving::Refusal& refusal) override {
    finish({Outcome::Kind::kNotReached, refusal.message});
  }

  void send(serving::Slot slot) {
    slot_.emplace(std::move(slot));
    call_ = courier_.client_.fetch(
        slot_->address(), std::move(request_), deadline_ - courier_.loop_.now(),
        [this](const Result<http::Response>& answer) { on_answer(answer); });
  }

  void on_answer(const Result<http::Response>& answer) {
    if (answer) slot_->first_byte();
    const int status = answer ? answer->status : http_status(answer.error().code());
    courier_.switchboard_.on_delivery(ServiceId(service_), revision_, status,
                                      courier_.loop_.now() - began_);
    slot_.reset();
    if (!answer) return finish({Outcome::Kind::kFailed, answer.error().message()});
    if (answer->status >= 200 && answer->status < 300) return finish({});
    finish({Outcome::Kind::kFailed, quote_of(*answer)});
  }

  void finish_later(Outcome outcome) {
    later_ = courier_.loop_.after(Duration::zero(),
                                  [this, outcome = std::move(outcome)] { finish(outcome); });
  }

  void finish(const Outcome& outcome) {
    const Outcome kept = outcome;
    const auto done = std::move(done_);
    done(kept);
  }

  ServingCourier& courier_;
  std::string service_;
  http::Request request_;
  RevisionId revision_;
  Instant began_;
  Instant deadline_;
  std::function<void(Outcome)> done_;
  serving::Wait wait_;
  std::optional<serving::Slot> slot_;
  std::unique_ptr<http::Call> call_;
  io::Timer later_;
};

ServingCourier::ServingCourier(io::Net& net, io::Loop& loop, io::Entropy& entropy,
                               serving::Serving& serving, Switchboard& switchboard)
    : loop_(loop),
      entropy_(entropy),
      serving_(serving),
      switchboard_(switchboard),
      client_(net, loop, {.max_body = kLargestAnswer}) {}

std::unique_ptr<messaging::Errand> ServingCourier::deliver(const std::string& service,
                                                           http::Request request, Duration timeout,
                                                           std::function<void(Outcome)> done) {
  auto trip = std::make_unique<Trip>(*this, service, std::move(request), timeout, std::move(done));
  trip->begin();
  return trip;
}

}  // namespace thaw::app
