#include "sandbox/crun_sandbox.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "sandbox/bundle.h"
#include "sandbox/cgroup.h"
#include "sandbox/container.h"
#include "sandbox/created_process.h"
#include "sandbox/leftovers.h"

namespace thaw::sandbox {
namespace {

constexpr Duration kRefillDelay = seconds(1);  // a wake is not slowed by making the next one ready
constexpr int kRemovesAtATime = 2;
constexpr Duration kMakeDelay = seconds(1);  // neither by making its snapshot

std::string run_folder(const std::string& data_dir) { return data_dir + "/run/sandbox"; }

/// crun's ids: letters, digits, "_+-.", and no "-" first; a cgroup's folder has the same name.
std::string name_for(const RevisionId& revision, uint64_t number) {
  std::string name = revision.str().substr(0, 80);
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '-';
  }
  if (name.empty() || name[0] == '-') name.insert(0, "r");
  return fmt::format("{}.{}", name, number);
}

class CrunInstance final : public Instance {
 public:
  explicit CrunInstance(std::shared_ptr<Container> container) : container_(std::move(container)) {}
  ~CrunInstance() override { container_->detach(); }
  const io::SocketAddress& address() const override { return container_->address(); }
  Status freeze() override { return container_->freeze(); }
  void thaw() override { container_->thaw(); }
  Status hibernate() override { return container_->hibernate(); }
  void wake_served() override { container_->wake_served(); }
  void end_boost() override { container_->end_boost(); }
  void terminate() override { container_->terminate(); }
  void kill() override { container_->kill(); }
  Usage usage() const override { return container_->usage(); }

 private:
  std::shared_ptr<Container> container_;
};

}  // namespace

std::string rootfs_path(const std::string& data_dir) { return run_folder(data_dir) + "/rootfs"; }
std::string cgroup_parent(const std::string& data_dir) { return "thaw-" + data_dir_hash(data_dir); }

class CrunSandbox::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(io::Loop& loop, io::Disk& disk, io::Processes& processes, Machine machine,
       CrunSettings settings)
      : machine_(std::move(machine)),
        settings_(std::move(settings)),
        env_{loop,
             disk,
             processes,
             machine_,
             settings_,
             Cgroups(disk, machine_, cgroup_parent(settings_.data_dir)),
             PythonTemplates(disk, settings_.data_dir + "/templates", settings_.max_templates),
             PythonByteCode(disk, settings_.data_dir + "/byte_code", settings_.max_byte_code),
             ReadAhead(disk, settings_.reader, settings_.data_dir + "/read_ahead"),
             Turnstile(settings_.max_creates),
             Turnstile(kRemovesAtATime),
             Hibernator(loop, disk, settings_.hibernator),
             run_folder(settings_.data_dir) + "/bundles",
             run_folder(settings_.data_dir) + "/crun",
             run_folder(settings_.data_dir) + "/python",
             run_folder(settings_.data_dir) + "/hosts"} {
    // crun leaves an instance's first process to its nearest reaper; only that one is told how the
    // process ends.
    CHECK(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  }

  std::unique_ptr<Instance> start(const InstanceSpec& spec, InstanceObserver& observer) {
    std::shared_ptr<Container> container = take_ready(spec);
    if (container == nullptr) container = make(spec, Purpose::kInstance);
    env_.read_ahead.read(spec.revision, [weak = std::weak_ptr(container)](ByteCount size) {
      const auto self = weak.lock();
      if (self != nullptr && size.value > 0) self->read_ahead(size);
    });
    container->attach(observer);
    if (stopping_) container->kill();
    return std::make_unique<CrunInstance>(std::move(container));
  }

  void keep_ready(const InstanceSpec& spec) {
    if (stopping_ || settings_.max_ready <= 0) return;
    Ready& ready = ready_[spec.revision];
    const bool is_known = ready.order > 0 && ready.spec == spec && !ready.failed;
    if (is_known && (ready.container == nullptr || !ready.container->is_over())) {
      return;  // it stands, or was used: then refill() comes
    }
    drop(ready);
    if (env_.templates.wants_snapshot(spec)) work_ahead(spec, Purpose::kSnapshot);
    ready.failed = false;
    ready.spec = spec;
    ready.order = ++order_;
    drop_oldest();
    fill(ready);
  }

  void forget(const RevisionId& revision) {
    const auto found = ready_.find(revision);
    if (found == ready_.end()) return;
    drop(found->second);
    ready_.erase(found);
  }

  void discard(const RevisionId& revision) {
    forget(revision);
    std::erase_if(to_make_, [&](const Work& work) { return work.spec.revision == revision; });
    env_.templates.discard(revision);
    env_.byte_code.discard(revision);
    env_.read_ahead.discard(revision);
  }

  TemplateState template_state(const RevisionId& revision) const {
    return env_.templates.state(revision);
  }

  Result<int> recover() {
    ASSIGN_OR_RETURN(const int count, remove_leftover_groups(env_.cgroups));
    RETURN_IF_ERROR(env_.disk.remove_tree(env_.bundles));
    RETURN_IF_ERROR(env_.disk.remove_tree(env_.crun_state));
    RETURN_IF_ERROR(env_.disk.remove_tree(env_.python));
    RETURN_IF_ERROR(write_hosts());
    return count;
  }

  void shut_down(std::function<void()> done) {
    stopping_ = true;
    refill_.cancel();
    make_timer_.cancel();
    for (auto& [revision, ready] : ready_) drop(ready);
    ready_.clear();
    on_empty_ = std::move(done);
    const auto all = containers_;
    for (const auto& [name, container] : all) container->kill();
    if (containers_.empty()) become_empty();
  }

  CrunSandbox::Hibernation hibernation() const {
    using Hibernation = CrunSandbox::Hibernation;
    if (!env_.hibernator.why_not().empty()) return Hibernation::kNot;
    return env_.hibernator.swap_is_on() ? Hibernation::kEverything : Hibernation::kFilesOnly;
  }
  std::string hibernation_notice() const { return env_.hibernator.notice(); }

  int ready_count() const {
    return static_cast<int>(std::count_if(ready_.begin(), ready_.end(),
                                          [](const auto& entry) { return entry.second.stands; }));
  }

 private:
  enum class Purpose { kInstance, kReady, kSnapshot, kByteCode };
  struct Work {
    InstanceSpec spec;
    Purpose purpose;

    bool operator==(const Work&) const = default;
  };
  struct Ready {
    InstanceSpec spec;
    uint64_t order = 0;
    std::shared_ptr<Container> container;  // null: used, or it could not be made
    bool stands = false;
    bool failed = false;
  };

  std::shared_ptr<Container> make(const InstanceSpec& spec, Purpose purpose) {
    const std::string name = name_for(spec.revision, ++last_number_);
    Container::Hooks hooks;
    if (purpose == Purpose::kReady) {
      hooks.on_created = [this, name] {
        if (Ready* ready = ready_with(name)) ready->stands = true;
      };
    }
    hooks.on_executed = [this] {
      if (!stopping_) refill_ = env_.loop.after(kRefillDelay, [this] { refill(); });
    };
    hooks.on_gone = [this, name] {
      // Later: the container that calls this must not be destroyed meanwhile.
      env_.loop.post([weak = weak_from_this(), name] {
        if (const auto self = weak.lock()) self->forget_container(name);
      });
    };
    hooks.on_recorded = [this, spec](const std::string& imports) {
      env_.templates.record(spec, imports);
      if (env_.templates.wants_snapshot(spec)) work_ahead(spec, Purpose::kSnapshot);
      renew(spec.revision);
    };
    hooks.on_lacked = [this, spec](const std::string& sources) {
      const bool was_watched = env_.byte_code.use(spec).is_watched;
      if (env_.byte_code.record(spec, sources)) return work_ahead(spec, Purpose::kByteCode);
      if (was_watched && !env_.byte_code.use(spec).is_watched) renew(spec.revision);
    };
    hooks.on_restored = [this, spec](const std::string& why_not) {
      if (why_not.empty()) return env_.templates.restored(spec.revision);
      if (env_.templates.refused(spec, why_not)) work_ahead(spec, Purpose::kSnapshot);
      renew(spec.revision);
    };
    hooks.on_template_failed = [this, revision = spec.revision](std::string why) {
      env_.templates.distrust(revision, std::move(why));
      renew(revision);
    };
    hooks.on_made = [this, spec, purpose](const std::string& report, const std::string& why) {
      if (purpose == Purpose::kByteCode) {
        env_.byte_code.made(spec, report, why);
      } else {
        env_.templates.made(spec, report, why);
      }
      renew(spec.revision);
    };
    const auto way = purpose == Purpose::kSnapshot   ? PythonTemplates::Way::kMaking
                     : purpose == Purpose::kByteCode ? PythonTemplates::Way::kCompiling
                                                     : env_.templates.way_of_start(spec);
    auto container = std::make_shared<Container>(env_, name, spec, way, std::move(hooks));
    containers_.emplace(name, container);
    container->create();
    return container;
  }

  void work_ahead(const InstanceSpec& spec, Purpose purpose) {
    const Work work{spec, purpose};
    if (stopping_ || std::ranges::find(to_make_, work) != to_make_.end()) return;
    to_make_.push_back(work);
    plan_making();
  }

  void plan_making() {
    if (!maker_.empty() || to_make_.empty()) return;
    make_timer_ = env_.loop.after(kMakeDelay, [this] {
      if (!maker_.empty() || to_make_.empty()) return;
      const auto [spec, purpose] = std::move(to_make_.front());
      to_make_.pop_front();
      if (purpose == Purpose::kByteCode) {
        if (const Status prepared = env_.byte_code.prepare(spec); !prepared) {
          env_.byte_code.made(spec, "", prepared.error().message());
          return plan_making();
        }
      } else if (const Status prepared = env_.templates.prepare(spec); !prepared) {
        env_.templates.distrust(spec.revision, prepared.error().message());
        return plan_making();
      }
      maker_ = make(spec, purpose)->name();
    });
  }

  std::shared_ptr<Container> take_ready(const InstanceSpec& spec) {
    const auto found = ready_.find(spec.revision);
    if (found == ready_.end()) return nullptr;
    Ready& ready = found->second;
    if (ready.container == nullptr || ready.container->is_over() || ready.spec != spec) {
      return nullptr;
    }
    ready.stands = false;
    refill_ = env_.loop.after(kRefillDelay, [this] { refill(); });
    return std::exchange(ready.container, nullptr);
  }

  void fill(Ready& ready) {
    ready.stands = false;
    ready.container = make(ready.spec, Purpose::kReady);
  }

  void refill() {
    for (auto& [revision, ready] : ready_) {
      if (ready.container == nullptr && !ready.failed) fill(ready);
    }
  }

  /// Another kind of sandbox is wanted from now on.
  void renew(const RevisionId& revision) {
    const auto found = ready_.find(revision);
    if (stopping_ || found == ready_.end()) return;
    drop(found->second);
    found->second.failed = false;
    refill_ = env_.loop.after(kRefillDelay, [this] { refill(); });
  }

  void drop(Ready& ready) {
    ready.stands = false;
    if (const auto container = std::exchange(ready.container, nullptr)) container->detach();
  }

  void drop_oldest() {
    if (std::cmp_less_equal(ready_.size(), settings_.max_ready)) return;
    const auto oldest = std::min_element(ready_.begin(), ready_.end(), [](auto& a, auto& b) {
      return a.second.order < b.second.order;
    });
    drop(oldest->second);
    ready_.erase(oldest);
  }

  /// The host's names, and Google's of the metadata server.
  Status write_hosts() {
    constexpr ByteCount kMost = kib(256);
    std::string text = env_.disk.read_file(kHostsFile, kMost).value_or("127.0.0.1 localhost\n");
    if (!text.ends_with('\n')) text += '\n';
    text += fmt::format("{} metadata.google.internal metadata\n", kMetadataAddress);
    RETURN_IF_ERROR(env_.disk.make_dirs(run_folder(settings_.data_dir)));
    RETURN_IF_ERROR(env_.disk.write_file(env_.hosts, text));
    if (::chmod(env_.hosts.c_str(), 0644) != 0) return errno_error("chmod " + env_.hosts, errno);
    return {};
  }

  Ready* ready_with(const std::string& name) {
    for (auto& [revision, ready] : ready_) {
      if (ready.container != nullptr && ready.container->name() == name) return &ready;
    }
    return nullptr;
  }

  void forget_container(const std::string& name) {
    if (Ready* ready = ready_with(name)) {
      // It could not be made, or died: the next start will say why. Not tried again until then.
      ready->container = nullptr;
      ready->stands = false;
      ready->failed = true;
    }
    containers_.erase(name);
    if (maker_ == name) {
      maker_.clear();
      plan_making();
    }
    if (stopping_ && containers_.empty()) become_empty();
  }

  void become_empty() {
    env_.cgroups.remove_parent();
    (void)env_.disk.remove_tree(env_.bundles);
    (void)env_.disk.remove_tree(env_.crun_state);
    (void)env_.disk.remove_tree(env_.python);
    (void)env_.disk.remove_file(env_.hosts);
    if (on_empty_) std::exchange(on_empty_, nullptr)();
  }

  const Machine machine_;
  const CrunSettings settings_;
  ContainerEnv env_;
  std::map<std::string, std::shared_ptr<Container>> containers_;  // until they are removed
  std::map<RevisionId, Ready> ready_;
  std::deque<Work> to_make_;  // snapshots and byte code; one of each for each revision at most
  std::string maker_;         // the container that makes one; empty: none
  io::Timer make_timer_;
  uint64_t last_number_ = 0;
  uint64_t order_ = 0;
  io::Timer refill_;
  bool stopping_ = false;
  std::function<void()> on_empty_;
};

CrunSandbox::CrunSandbox(io::Loop& loop, io::Disk& disk, io::Processes& processes, Machine machine,
                         CrunSettings settings)
    : impl_(
          std::make_shared<Impl>(loop, disk, processes, std::move(machine), std::move(settings))) {}
CrunSandbox::~CrunSandbox() = default;

std::unique_ptr<Instance> CrunSandbox::start(const InstanceId&, const InstanceSpec& spec,
                                             InstanceObserver& observer) {
  return impl_->start(spec, observer);
}

void CrunSandbox::keep_ready(const InstanceSpec& spec) { impl_->keep_ready(spec); }
void CrunSandbox::forget(const RevisionId& revision) { impl_->forget(revision); }
void CrunSandbox::discard(const RevisionId& revision) { impl_->discard(revision); }
TemplateState CrunSandbox::template_state(const RevisionId& revision) const {
  return impl_->template_state(revision);
}
Result<int> CrunSandbox::recover() { return impl_->recover(); }
std::string CrunSandbox::isolation_notice() const { return ""; }
CrunSandbox::Hibernation CrunSandbox::hibernation() const { return impl_->hibernation(); }
std::string CrunSandbox::hibernation_notice() const { return impl_->hibernation_notice(); }
void CrunSandbox::shut_down(std::function<void()> done) { impl_->shut_down(std::move(done)); }
int CrunSandbox::ready_count() const { return impl_->ready_count(); }

}  // namespace thaw::sandbox
