#include "caller.h"

#include <fmt/format.h>

#include <utility>

namespace thaw::sim {

namespace {

/// What serving has to say in one turn may be said a moment later, never more.
constexpr Duration kSlack = milliseconds(1);

}  // namespace

Caller::Caller(int number, const Parts& parts, const Plan& plan)
    : number_(number), parts_(parts), plan_(plan) {}

Caller::~Caller() { end(); }

void Caller::begin() {
  arrived_ = parts_.loop.now();
  counted_ = true;
  parts_.checks.load(plan_.revision, 1);
  const Duration late = plan_.mutation == Mutation::kLateAnswer ? seconds(5) : Duration(0);
  // Waiting ends at the deadline; so does handling, by the gateway.
  deadline_timer_ = parts_.loop.after(plan_.timeout + kSlack, [this] {
    if (slot_) return finish(504);
    if (broken_at_) return;
    parts_.journal.violation(fmt::format("request {} waits past its deadline", number_));
  });
  if (plan_.gives_up_after >= Duration(0)) {
    gives_up_timer_ = parts_.loop.after(plan_.gives_up_after, [this] { finish(0); });
  }
  std::optional<serving::Acquired> answer;
  call([&] {
    const auto from = plan_.mutation == Mutation::kOneLine ? serving::CallerId() : plan_.from;
    answer = parts_.serving.acquire({plan_.revision, arrived_ + plan_.timeout + late, from}, *this);
    if (plan_.mutation == Mutation::kInsideCall && number_ == 20) {
      on_refused({serving::Refusal::Reason::kNoInstance, 429, "", Duration(0)});
    }
  });
  if (status_) return;
  if (auto* slot = std::get_if<serving::Slot>(&*answer)) return on_slot(std::move(*slot));
  if (auto* refusal = std::get_if<serving::Refusal>(&*answer)) return on_refused(*refusal);
  wait_ = std::move(std::get<serving::Wait>(*answer));
  in_line_ = true;
  parts_.turns.waits(plan_.revision, plan_.from);
  if (plan_.mutation == Mutation::kLostAnswer && number_ % 7 == 0) wait_ = serving::Wait();
}

void Caller::end() {
  if (slot_) give_back();
  let_go();
  if (!done()) status_ = 0;
}

void Caller::not_inside(std::string_view what) {
  if (parts_.inside_call > 0) {
    parts_.journal.violation(fmt::format("{} of request {} comes inside a call", what, number_));
  }
}

void Caller::waited(Waited how) {
  if (!std::exchange(in_line_, false)) return;
  if (how == Waited::kPlaced) return parts_.turns.placed(plan_.revision, plan_.from);
  parts_.turns.left(plan_.revision, plan_.from);
}

void Caller::on_slot(serving::Slot slot) {
  not_inside("the slot");
  if (done() || slot_) {
    parts_.journal.violation(fmt::format("request {} gets a second answer: a slot", number_));
    return;
  }
  slot_.emplace(std::move(slot));
  waited(Waited::kPlaced);
  instance_ = slot_->instance();
  port_ = slot_->address().port;
  held_since_ = parts_.loop.now();
  parts_.checks.takes(instance_);
  serve();
}

void Caller::serve() {
  SimContainer* container = parts_.sandbox.at(port_);
  if (container == nullptr || !container->connect(*this)) return explain();
  answer_timer_ = parts_.loop.after(plan_.handling, [this] {
    call([this] { slot_->first_byte(); });
    finish(200);
  });
  if (container->handle(*this, plan_.handling / 2) != RequestFate::kAnswered) {
    answer_timer_.cancel();
  }
}

void Caller::on_broken() {
  port_ = 0;  // nothing to disconnect
  answer_timer_.cancel();
  explain();
}

void Caller::explain() {
  broken_at_ = parts_.loop.now();
  broken_by_ = parts_.checks.how_it_died(instance_);
  parts_.checks.gives_back(instance_, held_since_);
  call([this] { wait_ = parts_.serving.explain(std::move(*slot_), *this); });
  slot_.reset();
  deadline_timer_ = parts_.loop.after(seconds(1) + kSlack, [this] {
    parts_.journal.violation(fmt::format("request {} is not told why it broke", number_));
  });
}

void Caller::on_refused(const serving::Refusal& refusal) {
  not_inside("the refusal");
  if (done()) {
    parts_.journal.violation(
        fmt::format("request {} gets a second answer: {}", number_, refusal.http_status));
    return;
  }
  if (broken_at_) {
    constexpr auto kMemory = sandbox::ExitReport::Kind::kOutOfMemory;
    const bool memory = broken_by_ == kMemory || parts_.checks.reported(instance_) == kMemory;
    if (refusal.http_status != (memory ? 500 : 503)) {
      parts_.journal.violation(
          fmt::format("request {} broke and is told {}", number_, refusal.http_status));
    }
  } else if (refusal.http_status == 504 && parts_.loop.now() < arrived_ + plan_.timeout) {
    parts_.journal.violation(fmt::format("request {} gets 504 before its deadline", number_));
  }
  finish(refusal.http_status);
  if (plan_.mutation == Mutation::kSecondAnswer) on_refused(refusal);
}

void Caller::finish(int status) {
  parts_.journal.line(fmt::format("request {} of {}: {}", number_, plan_.revision.str(), status));
  if (slot_) give_back();
  status_ = status;
  let_go();
}

void Caller::give_back() {
  if (SimContainer* container = port_ != 0 ? parts_.sandbox.at(port_) : nullptr) {
    container->disconnect(*this);
  }
  parts_.checks.gives_back(instance_, held_since_);
  call([this] { slot_.reset(); });
}

void Caller::let_go() {
  answer_timer_.cancel();
  deadline_timer_.cancel();
  gives_up_timer_.cancel();
  call([this] { wait_ = serving::Wait(); });
  waited(Waited::kNot);
  if (std::exchange(counted_, false)) parts_.checks.load(plan_.revision, -1);
}

}  // namespace thaw::sim
