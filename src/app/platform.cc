#include "app/platform.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "api/api.h"
#include "app/connection_limits.h"
#include "app/courier.h"
#include "app/front_door.h"
#include "app/instance_doors.h"
#include "app/job_room.h"
#include "app/kept_prices.h"
#include "app/object_rooms.h"
#include "app/otlp_link.h"
#include "app/push_targets.h"
#include "app/sandboxes.h"
#include "app/switchboard.h"
#include "app/system_names.h"
#include "app/tls_room.h"
#include "app/url_signatories.h"
#include "base/json.h"
#include "base/log.h"
#include "billing/ledger.h"
#include "control/sqlite_catalog.h"
#include "gateway/serving_slots.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/kernel_entropy.h"
#include "io_linux/local_disk.h"
#include "io_linux/pidfd_processes.h"
#include "io_linux/signal_watch.h"
#include "io_linux/tcp_net.h"
#include "io_linux/thread_worker.h"
#include "messaging/bus.h"
#include "messaging/hops.h"
#include "messaging/sources.h"
#include "probes/net_prober.h"
#include "storage_api/intake.h"
#include "store/state.h"

namespace thaw::app {
namespace {

Result<std::string> own_program(io::Disk& disk) {
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (length < 0) return errno_error("find the program's own file: readlink /proc/self/exe", errno);
  std::string text(path, static_cast<size_t>(length));
  if (!disk.exists(text)) {
    return Error(Code::kFailedPrecondition,
                 text + ": the program's file was replaced while it ran; start Thaw anew");
  }
  return text;
}

telemetry::SpanExporter::Options span_options(const UpOptions::Otlp& otlp) {
  telemetry::SpanExporter::Options options{
      .to = otlp.to, .host = otlp.authority, .target = otlp.target, .headers = otlp.headers};
  options.resource = {.name = otlp.name, .version = THAW_VERSION};
  options.policy.delay = otlp.delay;
  return options;
}

}  // namespace

class Platform::Impl {
 public:
  explicit Impl(UpOptions options) : options_(std::move(options)) {}

  Status run();

 private:
  Status open_data();
  Status make_rooms();
  Status make_identity();
  Result<std::string> make_doors();
  void say_hops(http::Request& head, const InstanceId& instance) const;
  void on_loop(const messaging::Subscription& subscription, const messaging::Stored& stored);
  Status make_control();
  Status open_doors();
  Status start_sources();
  Result<std::string> password_of(const messaging::RedisPlace& place);
  Json endpoints() const;
  uint16_t https_port() const;
  Status remove_endpoints();
  Status make_domains();
  void on_signal(int number);
  void drain();
  void stop_instances();
  void finish();
  /// By this file programs on the machine find a running platform's ports.
  std::string endpoints_path() const { return options_.data_dir + "/endpoints.json"; }

  UpOptions options_;
  ConnectionLimits connection_limits_ = share_open_files();
  std::string own_program_;
  io_linux::LocalDisk disk_;
  std::optional<store::DataLock> lock_;
  std::optional<SandboxChoice> choice_;

  io_linux::EpollLoop loop_;
  std::optional<io_linux::SignalWatch> signals_;
  io_linux::TcpNet net_{loop_};
  TlsRoom tls_{net_, loop_, disk_};
  io_linux::PidfdProcesses processes_{loop_};
  io_linux::KernelEntropy entropy_;
  std::unique_ptr<store::Database> database_;         // the loop's
  std::unique_ptr<store::Database> ledger_database_;  // the worker's
  std::unique_ptr<store::Database> bus_database_;     // the worker's
  std::unique_ptr<store::Database> price_database_;   // the worker's
  std::optional<billing::SqliteLedger> ledger_;
  std::optional<io_linux::ThreadWorker> worker_;
  std::optional<io_linux::ThreadWorker> page_out_worker_;  // its thread has the lowest priority
  std::optional<io_linux::ThreadWorker> page_in_worker_;
  std::optional<io_linux::ThreadWorker> scribe_;  // writes the request log, reads logs
  std::optional<io_linux::ThreadWorker> reader_;  // slow disks hold up nobody's commit

  Switchboard switchboard_;
  std::optional<KeptPrices> prices_;
  std::optional<telemetry::Logs> logs_;
  std::optional<telemetry::RequestLog> requests_;
  std::optional<SystemNames> names_;
  std::unique_ptr<OtlpLink> otlp_link_;
  std::optional<telemetry::SpanExporter> spans_;
  telemetry::Starts starts_;
  telemetry::Metrics metrics_;
  telemetry::Alerts alerts_;
  std::optional<billing::Meter> meter_;
  std::unique_ptr<sandbox::Sandbox> sandbox_;
  std::optional<probes::NetProber> prober_;
  std::optional<serving::Serving> serving_;
  std::optional<control::SqliteCatalog> catalog_;
  std::optional<control::Controller> control_;
  std::optional<identity::Guard> guard_;
  std::optional<identity::ServiceAccounts> accounts_;
  std::optional<UrlSignatories> signatories_;
  std::optional<FrontDoor> front_door_;
  std::optional<gateway::ServingSlots> slots_;
  std::optional<gateway::Gateway> gateway_;
  std::optional<messaging::Bus> bus_;
  std::optional<ObjectRooms> objects_;
  std::optional<InstanceDoors> doors_;
  std::optional<PlatformTargets> push_targets_;
  std::optional<messaging::Pusher> pusher_;
  std::optional<TriggerScaling> scaling_;
  std::optional<ServingCourier> courier_;
  std::optional<messaging::SourceCatalog> source_catalog_;
  std::optional<messaging::Sources> sources_;
  std::optional<JobRoom> jobs_;
  std::optional<pipeline::Catalog> pipelines_;
  std::unique_ptr<tls::ClientContext> acme_roots_;
  std::optional<domains::Domains> domains_;
  std::optional<api::Api> api_;

  io::SocketAddress gateway_address_;
  io::SocketAddress api_address_;
  std::optional<io::SocketAddress> tls_address_;
  std::optional<io::SocketAddress> api_tls_address_;
  std::string boto_path_;
  enum class Phase { kServing, kDraining, kStopping, kFinishing } phase_ = Phase::kServing;
  io::Timer drain_timer_;
};

Status Platform::Impl::open_data() {
  ASSIGN_OR_RETURN(own_program_, own_program(disk_));
  RETURN_IF_ERROR(disk_.make_dirs(options_.data_dir));
  auto lock = store::DataLock::acquire(options_.data_dir);
  if (!lock) return std::move(lock).error();
  lock_.emplace(std::move(*lock));
  RETURN_IF_ERROR(remove_endpoints());
  RETURN_IF_ERROR(tls_.open(options_));
  // Namespaces belong to threads, so this comes before the worker's.
  ASSIGN_OR_RETURN(choice_, choose_sandbox(options_, disk_));

  const std::string path = store::state_path(options_.data_dir);
  const std::string now = format_rfc3339(loop_.wall_now());
  ASSIGN_OR_RETURN(database_, store::open_state(path, now));
  ASSIGN_OR_RETURN(ledger_database_, store::reopen_state(path));
  ASSIGN_OR_RETURN(bus_database_, store::reopen_state(path));
  ASSIGN_OR_RETURN(price_database_, store::reopen_state(path));
  return {};
}

Status Platform::Impl::remove_endpoints() {
  const Status status = disk_.remove_file(endpoints_path());
  return status || status.error().code() == Code::kNotFound ? Status() : status;
}

Status Platform::Impl::make_rooms() {
  ledger_.emplace(*ledger_database_);
  worker_.emplace(loop_);  // its thread sees only what was made before
  reader_.emplace(loop_);
  meter_.emplace(loop_, loop_, *worker_, *ledger_, billing::Meter::Options());
  RETURN_IF_ERROR(meter_->load());
  bus_.emplace(loop_, entropy_, *worker_, *database_, *bus_database_);
  RETURN_IF_ERROR(bus_->load());
  RETURN_IF_ERROR(make_identity());
  objects_.emplace(loop_, entropy_, *worker_, *bus_, *signatories_);
  RETURN_IF_ERROR(objects_->open(options_.data_dir));
  logs_.emplace(disk_, options_.data_dir + "/logs");
  scribe_.emplace(loop_);
  requests_.emplace(loop_, *scribe_, disk_, *logs_,
                    telemetry::RequestLog::Options{.share = options_.request_log});
  names_.emplace(loop_);
  if (options_.otlp) {
    ASSIGN_OR_RETURN(otlp_link_, OtlpLink::open({net_, loop_, disk_, *names_}, *options_.otlp));
    spans_.emplace(otlp_link_->net(), loop_, *scribe_, entropy_, span_options(*options_.otlp));
  }

  page_out_worker_.emplace(loop_);
  page_in_worker_.emplace(loop_);
  sandbox_ = make_sandbox(*choice_, options_,
                          {.loop = loop_,
                           .disk = disk_,
                           .processes = processes_,
                           .own_program = own_program_,
                           .reader = &*reader_,
                           .hibernator = {.out = &*page_out_worker_, .in = &*page_in_worker_}});
  ASSIGN_OR_RETURN(const int left, sandbox_->recover());
  if (left > 0) log_warning("ended instances that an earlier run left", {{"instances", left}});
  prober_.emplace(loop_, loop_, net_);
  serving::Serving::Options serving_options{.longest_queue = options_.longest_queue,
                                            .stop_grace = options_.stop_grace};
  serving_options.freeze_after = options_.freeze_after;
  if (options_.scale_to_zero_after) {
    serving_options.autoscaler.scale_to_zero_after = *options_.scale_to_zero_after;
  } else {
    serving_options.keep_warm.emplace();
  }
  serving_options.ladder.hibernate_after = options_.hibernate_after;
  ASSIGN_OR_RETURN(serving_options.ladder.budget, memory_budget(options_, disk_));
  serving_.emplace(loop_, loop_, entropy_, *sandbox_, *prober_, switchboard_, serving_options);

  front_door_.emplace(*guard_, options_.base_domain);
  prices_.emplace(loop_, *worker_, *price_database_);
  prices_->load_into(*serving_);
  slots_.emplace(*serving_);
  gateway_.emplace(net_, loop_, *slots_, &switchboard_,
                   gateway::GatewayOptions{.max_connections = connection_limits_.gateway,
                                           .seed = entropy_.next(),
                                           .sampler = options_.sampler,
                                           .door = &*front_door_,
                                           .challenges = &switchboard_,
                                           .entropy = &entropy_});
  gateway_->set_routes(gateway::RouteTable(options_.base_domain));
  return {};
}

Status Platform::Impl::make_identity() {
  ASSIGN_OR_RETURN(identity::SigningKey key, identity::SigningKey::load_or_make(
                                                 disk_, options_.data_dir + "/identity-key.pem"));
  guard_.emplace(*database_, loop_, std::move(key), "");
  RETURN_IF_ERROR(guard_->load());
  accounts_.emplace(identity::ServiceAccounts::Parts{
      .database = *database_, .clock = loop_, .entropy = entropy_, .worker = *reader_});
  RETURN_IF_ERROR(accounts_->load());
  signatories_.emplace(*accounts_, *guard_);
  return {};
}

/// Instances reach buckets, and nothing else of the API.
Result<std::string> Platform::Impl::make_doors() {
  doors_.emplace(net_, loop_, *guard_, [this](http::Server& server, const InstanceId& instance) {
    server.stream_bodies(
        [this](const http::Request& head) { return objects_->api().takes(head); },
        [this, instance](http::Request head, http::BodyStream body, http::Responder responder) {
          say_hops(head, instance);
          objects_->api().handle(std::move(head), std::move(body), std::move(responder),
                                 storage_api::StorageApi::Origin::kOwn);
        });
  });
  if (choice_->kind == SandboxChoice::Kind::kContainer) {
    return fmt::format("http://{}:{}", InstanceDoors::kIp, InstanceDoors::kPort);
  }
  ASSIGN_OR_RETURN(const io::SocketAddress shared, doors_->open_shared());
  return "http://" + shared.str();
}

/// What an instance writes comes from the pushes that its service has: messaging/hops.h.
void Platform::Impl::say_hops(http::Request& head, const InstanceId& instance) const {
  head.headers.remove(storage_api::kHopsHeader);
  if (!pusher_ || head.method == "GET") return;
  std::string host;  // "": an instance without a door of its own, so anybody's pushes count
  for (const serving::InstanceStatus& each : serving_->instances()) {
    if (each.id == instance) host = switchboard_.host_of(each.service.str());
  }
  const int hops = pusher_->hops_beyond(host);
  if (hops > 0) head.headers.add(std::string(storage_api::kHopsHeader), std::to_string(hops));
}

void Platform::Impl::on_loop(const messaging::Subscription& subscription,
                             const messaging::Stored& stored) {
  std::string what = "a message";
  for (const auto& [key, value] : stored.message.attributes) {
    if (key == "objectId") what = "the file " + value;
  }
  const std::string text = fmt::format(
      "endless loop stopped: {} came round through {} services' outputs to subscription {}, and is "
      "not pushed again; let the service write into a bucket that it is not told of, or filter its "
      "notification by a prefix",
      what, messaging::kMostHops, subscription.name);
  log_error(text);
  alerts_.add("endless-loop", subscription.name, text, loop_.wall_now());
  const auto endpoint = messaging::parse_endpoint(subscription.push->endpoint);
  const std::string suffix = "." + options_.base_domain;
  if (endpoint && endpoint->host.ends_with(suffix)) {
    switchboard_.on_source(endpoint->host.substr(0, endpoint->host.size() - suffix.size()), text);
  }
}

/// Where domains lead is asked for as soon as there are routes; certificates once all is open.
Status Platform::Impl::make_domains() {
  if (!options_.acme_directory.empty()) {
    std::string roots;
    if (!options_.acme_ca.empty()) {
      ASSIGN_OR_RETURN(roots, disk_.read_file(options_.acme_ca, mib(1)));
    }
    ASSIGN_OR_RETURN(acme_roots_, tls::ClientContext::make(roots, options_.acme_ca));
  }
  domains_.emplace(domains::Domains::Parts{.net = net_,
                                           .loop = loop_,
                                           .disk = disk_,
                                           .entropy = entropy_,
                                           .names = *names_,
                                           .database = *database_,
                                           .listener = switchboard_,
                                           .roots = acme_roots_.get()},
                   domains::Domains::Options{.folder = options_.data_dir + "/tls/domains",
                                             .directory = options_.acme_directory,
                                             .email = options_.acme_email});
  return {};
}

Status Platform::Impl::make_control() {
  RETURN_IF_ERROR(make_domains());
  ASSIGN_OR_RETURN(const std::string store, make_doors());
  catalog_.emplace(*database_);
  scaling_.emplace(TriggerScaling::Parts{
      .net = net_,
      .loop = loop_,
      .serving = *serving_,
      .password = [this](const auto& place) { return password_of(place); },
      .backlog = [this](const auto& subscription) -> Result<int64_t> {
        ASSIGN_OR_RETURN(const auto backlog, bus_->backlog(subscription));
        return static_cast<int64_t>(backlog.messages);
      },
      .tell = [this](const auto& service,
                     const auto& text) { switchboard_.on_source(service, text); }});
  control_.emplace(
      loop_, entropy_, *catalog_, switchboard_,
      control::Options{
          .base_url = fmt::format("http://{}:{}", options_.base_domain, gateway_address_.port),
          .serve_argv = {own_program_, "serve"},
          .instance_env = {{"STORAGE_EMULATOR_HOST", store}},
      });
  front_door_->set_control(*control_);
  switchboard_.connect({.clock = &loop_,
                        .serving = &*serving_,
                        .control = &*control_,
                        .gateway = &*gateway_,
                        .meter = &*meter_,
                        .logs = &*logs_,
                        .requests = &*requests_,
                        .spans = spans_ ? &*spans_ : nullptr,
                        .starts = &starts_,
                        .metrics = &metrics_,
                        .doors = &*doors_,
                        .scaling = &*scaling_,
                        .prices = &*prices_,
                        .domains = &*domains_,
                        .certificates = tls_.certificates(),
                        .https_port = https_port(),
                        .base_domain = options_.base_domain});
  ASSIGN_OR_RETURN(const control::LoadReport loaded, control_->load());
  if (loaded.services > 0) {
    log_info("brought back what was deployed",
             {{"services", loaded.services}, {"revisions", loaded.revisions}});
  }
  jobs_.emplace(JobRoom::Parts{.loop = loop_,
                               .entropy = entropy_,
                               .sandbox = *sandbox_,
                               .database = *database_,
                               .logs = *logs_,
                               .doors = *doors_,
                               .serve_argv = {own_program_, "serve"},
                               .object_store = store});
  return jobs_->load();
}

/// The gateway's port is known before control starts, because services are told their URLs; the API
/// opens last, when everything it can ask for is there.
Status Platform::Impl::open_doors() {
  ASSIGN_OR_RETURN(gateway_address_, gateway_->listen(options_.gateway_address));
  if (options_.tls_address) {
    ASSIGN_OR_RETURN(tls_address_, gateway_->listen(tls_.services(), *options_.tls_address));
  }
  RETURN_IF_ERROR(make_control());
  push_targets_.emplace(switchboard_, *guard_, options_.base_domain, gateway_address_);
  pusher_.emplace(*bus_, loop_, net_, *push_targets_);
  pusher_->on_loop(
      [this](const auto& subscription, const auto& stored) { on_loop(subscription, stored); });
  pusher_->start();
  RETURN_IF_ERROR(start_sources());
  const std::string notice = sandbox_->isolation_notice();
  if (!notice.empty()) log_warning(notice);
  if (const std::string why = sandbox_->hibernation_notice(); !why.empty()) log_info(why);
  pipelines_.emplace(*database_);
  api_.emplace(net_, loop_,
               api::Rooms{.control = *control_,
                          .serving = *serving_,
                          .logs = *logs_,
                          .requests = *requests_,
                          .starts = starts_,
                          .metrics = metrics_,
                          .alerts = alerts_,
                          .meter = *meter_,
                          .bus = *bus_,
                          .sources = *sources_,
                          .guard = *guard_,
                          .accounts = *accounts_,
                          .pipelines = *pipelines_,
                          .domains = &*domains_,
                          .jobs = &jobs_->jobs(),
                          .spans = spans_ ? &*spans_ : nullptr,
                          .storage = &objects_->api(),
                          .tls = tls_.server()},
               api::ApiOptions{.version = THAW_VERSION,
                               .isolation_notice = notice,
                               .endpoints = [this] { return endpoints(); },
                               .max_connections = connection_limits_.api});
  ASSIGN_OR_RETURN(api_address_, api_->listen(options_.api_address));
  if (options_.api_tls_address) {
    ASSIGN_OR_RETURN(api_tls_address_, api_->listen(tls_.api(), *options_.api_tls_address));
    api_->hand_on_tunnels(api_tls_address_->port,
                          [this](auto stream) { tls_.api().accept(std::move(stream)); });
    ASSIGN_OR_RETURN(boto_path_, tls_.write_boto(options_.data_dir + "/tls", *api_tls_address_));
  }
  objects_->set_base_url("http://" + api_address_.str());
  guard_->set_issuer("http://" + api_address_.str());
  RETURN_IF_ERROR(domains_->load());
  RETURN_IF_ERROR(disk_.write_file_durably(endpoints_path(), endpoints().dump() + "\n"));
  log_info("Thaw is up", {{"gateway", "http://" + gateway_address_.str()},
                          {"api", "http://" + api_address_.str()},
                          {"data", options_.data_dir}});
  if (tls_.is_open()) {
    log_info("TLS", {{"gateway", tls_address_ ? "https://" + tls_address_->str() : "off"},
                     {"api", api_tls_address_ ? "https://" + api_tls_address_->str() : "off"},
                     {"authority", tls_.root_path()}});
  }
  return {};
}

/// Where clients find what is served through TLS; 0: nowhere.
uint16_t Platform::Impl::https_port() const {
  if (!tls_address_) return 0;
  return options_.tls_public_port != 0 ? static_cast<uint16_t>(options_.tls_public_port)
                                       : tls_address_->port;
}

Json Platform::Impl::endpoints() const {
  Json all = Json::object({{"gateway", gateway_address_.str()}, {"api", api_address_.str()}});
  if (tls_address_) all.set("gatewayTls", tls_address_->str());
  if (api_tls_address_) all.set("apiTls", api_tls_address_->str());
  if (!boto_path_.empty()) all.set("boto", boto_path_);
  if (tls_.is_open()) all.set("authority", tls_.root_path());
  return all;
}

Status Platform::Impl::start_sources() {
  courier_.emplace(net_, loop_, entropy_, *serving_, switchboard_);
  source_catalog_.emplace(*database_);
  sources_.emplace(messaging::StreamSource::Parts{
                       .net = net_,
                       .loop = loop_,
                       .courier = *courier_,
                       .password = [this](const auto& place) { return password_of(place); },
                       .tell =
                           [this](const messaging::SourceConfig& source, const std::string& text) {
                             switchboard_.on_source(source.service, text);
                           }},
                   *source_catalog_, entropy_);
  return sources_->load();
}

/// Read at each connection, so that a changed one is used; neither kept nor logged.
Result<std::string> Platform::Impl::password_of(const messaging::RedisPlace& place) {
  if (!place.password_env.empty()) {
    const char* const value = ::getenv(place.password_env.c_str());
    if (value != nullptr) return std::string(value);
    return Error(Code::kFailedPrecondition,
                 fmt::format("redis.passwordEnv: Thaw's own environment has no variable '{}'",
                             place.password_env));
  }
  if (place.password_file.empty()) return std::string();
  ASSIGN_OR_RETURN(std::string text, disk_.read_file(place.password_file, kib(64)));
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

Status Platform::Impl::run() {
  signals_.emplace(loop_, std::initializer_list<int>{SIGTERM, SIGINT, SIGHUP},
                   [this](int number) { on_signal(number); });
  RETURN_IF_ERROR(open_data());
  RETURN_IF_ERROR(make_rooms());
  RETURN_IF_ERROR(open_doors());
  loop_.run();
  reader_.reset();
  scribe_.reset();
  worker_.reset();  // its jobs end before what they use does
  log_info("Thaw has stopped");
  return remove_endpoints();
}

// ---- Stopping: doors, then requests in flight, then instances, then the meter -------------------

void Platform::Impl::on_signal(int number) {
  if (number == SIGHUP && tls_.is_open()) return tls_.reload();
  drain();
}

void Platform::Impl::drain() {
  if (phase_ == Phase::kServing) {
    phase_ = Phase::kDraining;
    log_info("stopping: requests in flight may finish",
             {{"at_most_seconds", to_seconds(options_.drain_timeout)}});
    pusher_->stop();
    sources_->stop();
    jobs_->stop();
    domains_->stop();
    scaling_->stop();
    bus_->drain([] {});
    api_->drain([] {});
    gateway_->drain([this] { stop_instances(); });
    drain_timer_ = loop_.after(options_.drain_timeout, [this] { stop_instances(); });
  } else {
    stop_instances();  // a second signal: do not wait for requests any longer
  }
}

void Platform::Impl::stop_instances() {
  if (phase_ != Phase::kDraining) return;
  phase_ = Phase::kStopping;
  drain_timer_.cancel();
  serving_->shut_down([this] { sandbox_->shut_down([this] { finish(); }); });
}

void Platform::Impl::finish() {
  if (phase_ != Phase::kStopping) return;
  phase_ = Phase::kFinishing;
  meter_->flush([this](const Status& status) {
    if (!status) log_error("the meter's last second is lost", {{"why", status.error().message()}});
    loop_.stop();
  });
}

Platform::Platform(UpOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Platform::~Platform() = default;

Status Platform::run() { return impl_->run(); }

}  // namespace thaw::app
