#include "gateway/upstream.h"

#include <array>
#include <iterator>
#include <utility>

namespace thaw::gateway {
namespace {

constexpr size_t kMaxIdle = 128;
constexpr Duration kMaxIdleTime = seconds(60);
constexpr Duration kSweepTime = seconds(15);
/// A connection that was just used and has outlived its first request belongs to a server that
/// keeps connections; where no event says otherwise it need not be asked for, which saves a system
/// call a request.
constexpr Duration kTrustTime = seconds(1);
constexpr int kTrustedAfter = 2;

/// Whether no event told of more than was read, be it bytes or the end. Reading is how to know:
/// where no event came it asks no kernel.
bool is_silent(io::Stream& stream) {
  std::array<char, 64> unasked;
  return stream.read(unasked).state == io::Transfer::State::kWouldBlock;
}

}  // namespace

Upstream::Upstream(UpstreamPool& pool, const InstanceId& instance,
                   std::unique_ptr<io::Stream> stream)
    : pool_(pool), instance_(instance), stream_(std::move(stream)) {
  stream_->set_events(this);
}

void Upstream::on_readable() {
  if (user_ != nullptr) return user_->on_upstream_readable();
  // An idle server says only that it closes; but an event may also mean nothing.
  if (!stream_->is_quiet_and_open()) pool_.remove(*this);
}

void Upstream::on_writable() {
  if (user_ != nullptr) user_->on_upstream_writable();
}

std::unique_ptr<Upstream> UpstreamPool::take(const InstanceId& instance) {
  const auto found = idle_.find(instance);
  if (found == idle_.end()) return nullptr;
  Idle& idle = found->second;
  while (!idle.empty()) {
    auto upstream = std::move(idle.back());
    idle.pop_back();
    const bool trusted =
        upstream->served_ >= kTrustedAfter && loop_.now() - upstream->idle_since_ < kTrustTime;
    if (trusted || upstream->stream_->is_quiet_and_open()) return upstream;
  }
  return nullptr;
}

void UpstreamPool::give_back(std::unique_ptr<Upstream> upstream) {
  // A server may close right behind its answer, and one event have told of both: no other comes.
  if (!is_silent(*upstream->stream_)) return;
  upstream->user_ = nullptr;
  ++upstream->served_;
  upstream->idle_since_ = loop_.now();
  Idle& idle = idle_[upstream->instance()];
  if (idle.size() < kMaxIdle) idle.push_back(std::move(upstream));
  if (std::exchange(sweeping_, true)) return;
  sweep_timer_ = loop_.after(kSweepTime, [this] { sweep(); });
}

void UpstreamPool::remove(Upstream& upstream) {
  const auto found = idle_.find(upstream.instance());
  if (found == idle_.end()) return;
  std::erase_if(found->second, [&](const auto& other) { return other.get() == &upstream; });
}

void UpstreamPool::sweep() {
  const Instant oldest = loop_.now() - kMaxIdleTime;
  for (auto entry = idle_.begin(); entry != idle_.end();) {
    std::erase_if(entry->second, [&](const auto& u) { return u->idle_since_ < oldest; });
    entry = entry->second.empty() ? idle_.erase(entry) : std::next(entry);
  }
  sweeping_ = !idle_.empty();
  if (sweeping_) sweep_timer_ = loop_.after(kSweepTime, [this] { sweep(); });
}

size_t UpstreamPool::idle() const {
  size_t count = 0;
  for (const auto& [instance, idle] : idle_) count += idle.size();
  return count;
}

}  // namespace thaw::gateway
