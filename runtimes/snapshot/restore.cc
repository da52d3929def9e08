// thaw-restore IMAGE TRIES PROGRAM [ARGUMENT...]: becomes the process that IMAGE holds.
//
// When IMAGE does not fit (another kernel or processor, a file that has changed, damage), PROGRAM
// is executed instead, in the same process: "started cold". Either is said in one line on stderr.
// Freestanding and linked where no process has memory, so that nothing of it is in the way of what
// it restores; it has the rights of who runs it and needs none beyond. See
// docs/formats/snapshot.md.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <initializer_list>

#include "calls.h"
#include "image.h"

extern "C" void* memset(void* to, int byte, size_t size) {
  for (size_t at = 0; at < size; ++at) static_cast<char*>(to)[at] = static_cast<char>(byte);
  return to;
}
extern "C" void* memcpy(void* to, const void* from, size_t size) {
  for (size_t at = 0; at < size; ++at)
    static_cast<char*>(to)[at] = static_cast<const char*>(from)[at];
  return to;
}

namespace thaw::snapshot {
namespace {

constexpr uint64_t kHome = 0x600000000000;  // the linker's too; 1 GiB from here is ours
constexpr uint64_t kHomeEnd = kHome + (1ULL << 30);
constexpr uint64_t kTablesAt = kHome + (256ULL << 20);
constexpr uint64_t kVdsoAt = kHome + (512ULL << 20);
constexpr uint64_t kTop = 0x7ffffffff000;
constexpr uint64_t kSetMask = 2;  // SIG_SETMASK
constexpr char kMostTries = '8';

struct Range {
  uint64_t start = 0, end = 0;
  bool overlaps(uint64_t from, uint64_t to) const { return start < to && from < end; }
};

struct State {
  char** words;  // the command line
  char** environment;
  Header header;
  const Region* regions;
  const File* files;
  const Span* spans;
  const char* text;
  Range stack, vdso;
  Range vvar;  // all of them, which lie together before the vdso
  long image;
};
constinit State state{};
char maps[64 << 10];
char path[4096];

void say(const char* a, const char* b = "", const char* c = "") {
  char line[512];
  size_t used = 0;
  for (const char* part : {"thaw-restore: ", a, b, c, "\n"}) {
    for (; *part != 0 && used + 1 < sizeof line; ++part) line[used++] = *part;
  }
  line[used - 1] = '\n';
  (void)call(SYS_write, 2, address(line), used);
}

void execute(const char* program, char** words) {
  (void)call(SYS_execve, address(program), address(words), address(state.environment));
}

[[noreturn]] void cold(const char* why, const char* about = "") {
  say("cold: ", why, about);
  const uint64_t none = 0;
  (void)call(SYS_rt_sigprocmask, kSetMask, address(&none), 0, 8);
  char** words = state.words + 3;
  bool has_slash = false;
  for (const char* at = words[0]; *at != 0; ++at) has_slash = has_slash || *at == '/';
  if (has_slash) {
    execute(words[0], words);
  } else {
    const char* folders = "/usr/local/bin:/usr/bin:/bin";
    for (char** at = state.environment; *at != nullptr; ++at) {
      if (begins(*at, "PATH=")) folders = *at + 5;
    }
    while (*folders != 0) {
      size_t used = 0;
      for (; *folders != 0 && *folders != ':'; ++folders) {
        if (used < sizeof path - 1) path[used++] = *folders;
      }
      if (*folders == ':') ++folders;
      const size_t size = length(words[0]) + 1;
      if (used + 1 + size > sizeof path) continue;
      path[used++] = '/';
      memcpy(path + used, words[0], size);
      execute(path, words);
    }
  }
  say("cannot execute ", words[0]);
  call(SYS_exit_group, 127);
  __builtin_unreachable();
}

/// This process's memory lies where the image's is to go: other addresses are drawn at an exec.
[[noreturn]] void again() {
  char* tries = state.words[2];
  if (tries[0] >= kMostTries || tries[1] != 0) cold("its addresses are taken");
  ++tries[0];
  execute("/proc/self/exe", state.words);
  cold("it cannot be executed again");
}

uint64_t hex(const char*& at) {
  uint64_t value = 0;
  for (;; ++at) {
    const char c = *at;
    if (c >= '0' && c <= '9') {
      value = value * 16 + static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = value * 16 + static_cast<uint64_t>(c - 'a' + 10);
    } else {
      return value;
    }
  }
}

/// Where the kernel has put what it gives every process.
void look_at_own_memory() {
  const long file = call(SYS_open, address("/proc/self/maps"), O_RDONLY | O_CLOEXEC);
  if (failed(file)) cold("/proc is not there");
  size_t used = 0;
  for (;;) {
    const long got =
        call(SYS_read, static_cast<uint64_t>(file), address(maps + used), sizeof maps - 1 - used);
    if (failed(got) || got == 0) break;
    used += static_cast<size_t>(got);
  }
  (void)call(SYS_close, static_cast<uint64_t>(file));
  for (const char* at = maps; *at != 0;) {
    Range range;
    range.start = hex(at);
    ++at;
    range.end = hex(at);
    while (*at != 0 && *at != '\n' && *at != '[') ++at;
    if (begins(at, "[stack]")) state.stack = range;
    if (begins(at, "[vdso]")) state.vdso = range;
    if (begins(at, "[vvar")) {
      if (state.vvar.start == 0) state.vvar.start = range.start;
      state.vvar.end = range.end;
    }
    while (*at != 0 && *at++ != '\n') {
    }
  }
  if (state.vdso.start == 0 || state.vvar.start == 0 || state.vvar.end != state.vdso.start)
    cold("the kernel's pages of the clock are not as they are known");
}

void read_header() {
  state.image = call(SYS_open, address(state.words[1]), O_RDONLY | O_CLOEXEC);
  if (failed(state.image)) cold("the snapshot cannot be opened");
  const auto image = static_cast<uint64_t>(state.image);
  Header& header = state.header;
  if (call(SYS_pread64, image, address(&header), sizeof header, 0) != sizeof header)
    cold("the snapshot is too short");
  if (header.magic != kMagic) cold("it is no snapshot");
  if (header.version != kVersion) cold("the snapshot has another version");
  struct stat facts;
  if (failed(call(SYS_fstat, image, address(&facts)))) cold("the snapshot cannot be looked at");
  if (static_cast<uint64_t>(facts.st_size) != header.file_size)
    cold("the snapshot has another length than it says");
  const uint64_t size = uint64_t{header.regions} * sizeof(Region) +
                        uint64_t{header.files} * sizeof(File) +
                        uint64_t{header.spans} * sizeof(Span) + header.text_length;
  if (size > kMaxTables || header.tables % kPage != 0 || header.tables > header.file_size ||
      header.file_size - header.tables != size || header.text_length == 0)
    cold("the snapshot's tables are damaged");
  const long tables = call(SYS_mmap, kTablesAt, size, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE,
                           image, header.tables);
  if (failed(tables)) cold("the snapshot cannot be mapped");
  state.regions = reinterpret_cast<const Region*>(tables);
  state.files = reinterpret_cast<const File*>(state.regions + header.regions);
  state.spans = reinterpret_cast<const Span*>(state.files + header.files);
  state.text = reinterpret_cast<const char*>(state.spans + header.spans);
  Header blank = header;
  blank.checksum = 0;
  Crc crc;
  crc.add(&blank, sizeof blank);
  crc.add(state.regions, size);
  if (crc.value() != header.checksum) cold("the snapshot is damaged");
  if (state.text[header.text_length - 1] != 0) cold("the snapshot's text is damaged");
}

/// Made on this machine as it is now?
void check_machine() {
  utsname name;
  (void)call(SYS_uname, address(&name));
  state.header.kernel[sizeof state.header.kernel - 1] = 0;
  if (!same(name.release, state.header.kernel)) cold("the kernel is another");
  uint32_t cpu[kCpuWords];
  read_cpu(cpu);
  for (int at = 0; at < kCpuWords; ++at) {
    if (cpu[at] != state.header.point.cpu[at]) cold("the processor is another");
  }
  const uint64_t size = state.vdso.end - state.vdso.start;
  Crc crc;
  crc.add(reinterpret_cast<const void*>(state.vdso.start), size);
  if (size != state.header.vdso_length || crc.value() != state.header.vdso_checksum ||
      state.header.vdso - state.header.vvar != state.vdso.start - state.vvar.start)
    cold("the kernel's code for the clock is another");
}

bool is_range(uint64_t start, uint64_t size) {
  return start % kPage == 0 && size % kPage == 0 && size > 0 && start >= 65536 && size < kTop &&
         start <= kTop - size && (start >= kHomeEnd || start + size <= kHome);
}

bool is_inside(uint64_t at, uint64_t size, uint32_t protection) {
  for (uint32_t number = 0; number < state.header.regions; ++number) {
    const Region& region = state.regions[number];
    if (at >= region.start && at - region.start < region.length)
      return region.length - (at - region.start) >= size &&
             (region.protection & protection) == protection;
  }
  return false;
}

void check_tables() {
  const Header& header = state.header;
  const uint64_t vdso_end = header.vdso + header.vdso_length;
  if (!is_range(header.vvar, vdso_end - header.vvar)) cold("the snapshot's vdso is damaged");
  uint64_t last = 0;
  for (uint32_t number = 0; number < header.regions; ++number) {
    const Region& region = state.regions[number];
    const bool is_known = region.flags == MAP_PRIVATE || region.flags == MAP_SHARED;
    if (!is_range(region.start, region.length) || region.start < last || !is_known ||
        region.protection > 7 || region.offset % kPage != 0 || region.file < -1 ||
        (region.file >= 0 && static_cast<uint32_t>(region.file) >= header.files) ||
        (region.start < vdso_end && header.vvar < region.start + region.length))
      cold("the snapshot's regions are damaged");
    last = region.start + region.length;
  }
  for (uint32_t number = 0; number < header.files; ++number) {
    if (state.files[number].path >= header.text_length) cold("the snapshot's files are damaged");
  }
  for (uint32_t number = 0; number < header.spans; ++number) {
    const Span& span = state.spans[number];
    if (span.region >= header.regions || !is_range(span.start, span.length) ||
        span.start < state.regions[span.region].start ||
        span.start + span.length >
            state.regions[span.region].start + state.regions[span.region].length ||
        state.regions[span.region].flags != MAP_PRIVATE || span.offset % kPage != 0 ||
        span.offset > header.tables || span.length > header.tables - span.offset)
      cold("the snapshot's spans are damaged");
  }
  const Point& point = header.point;
  const bool has_rseq = point.rseq == 0 || (point.rseq_length <= kPage &&
                                            is_inside(point.rseq, point.rseq_length, PROT_WRITE));
  if (!is_inside(point.tid_address, 4, PROT_WRITE) || !is_inside(point.rip, 1, PROT_EXEC) ||
      !is_inside(point.rsp, 8, PROT_WRITE) || point.fs_base >= kTop || !has_rseq)
    cold("the snapshot's registers are damaged");
}

const char* path_of(const File& file) { return state.text + file.path; }

void compare(const File& file, const struct stat& facts) {
  if (facts.st_dev != file.device || facts.st_ino != file.inode ||
      static_cast<uint64_t>(facts.st_size) != file.size ||
      static_cast<uint64_t>(facts.st_mtime) != file.modified_s ||
      static_cast<uint64_t>(facts.st_mtim.tv_nsec) != file.modified_ns)
    cold("stale: this file has changed: ", path_of(file));
}

/// Those that are not mapped.
void check_files() {
  struct stat facts;
  for (uint32_t number = 0; number < state.header.files; ++number) {
    const File& file = state.files[number];
    if (file.is_mapped != 0) continue;
    if (failed(call(SYS_stat, address(path_of(file)), address(&facts))))
      cold("stale: this file is gone: ", path_of(file));
    compare(file, facts);
  }
}

void clear_the_way() {
  for (uint32_t number = 0; number < state.header.regions; ++number) {
    const Region& region = state.regions[number];
    if (state.stack.overlaps(region.start, region.start + region.length)) again();
  }
  if (state.stack.overlaps(state.header.vvar, state.header.vdso + state.header.vdso_length))
    again();
}

/// The kernel allows each of its mappings to be moved as a whole.
void move_vdso(uint64_t from, uint64_t to) {
  const char* at = maps;
  while (*at != 0) {
    const uint64_t start = hex(at);
    ++at;
    const uint64_t end = hex(at);
    while (*at != 0 && *at != '\n' && *at != '[') ++at;
    if (begins(at, "[vvar") || begins(at, "[vdso]")) {
      const uint64_t offset = start - state.vvar.start;
      const long moved = call(SYS_mremap, from + offset, end - start, end - start,
                              MREMAP_MAYMOVE | MREMAP_FIXED, to + offset);
      if (failed(moved)) cold("the kernel does not let its pages of the clock be moved");
    }
    while (*at != 0 && *at++ != '\n') {
    }
  }
}

void advise(const Region& region) {
  if ((region.advice & kDontFork) != 0)
    (void)call(SYS_madvise, region.start, region.length, MADV_DONTFORK);
  if ((region.advice & kWipeOnFork) != 0)
    (void)call(SYS_madvise, region.start, region.length, MADV_WIPEONFORK);
  if ((region.advice & kDontDump) != 0)
    (void)call(SYS_madvise, region.start, region.length, MADV_DONTDUMP);
}

void map_regions() {
  int32_t open = -1;
  long descriptor = -1;
  for (uint32_t number = 0; number < state.header.regions; ++number) {
    const Region& region = state.regions[number];
    uint64_t flags = region.flags | MAP_FIXED_NOREPLACE;
    if (region.file < 0) {
      flags |= MAP_ANONYMOUS | MAP_NORESERVE;
    } else if (region.file != open) {
      if (open >= 0) (void)call(SYS_close, static_cast<uint64_t>(descriptor));
      const File& file = state.files[region.file];
      open = region.file;
      descriptor = call(SYS_open, address(path_of(file)), O_RDONLY | O_CLOEXEC);
      struct stat facts;
      if (failed(descriptor) ||
          failed(call(SYS_fstat, static_cast<uint64_t>(descriptor), address(&facts))))
        cold("stale: this file is gone: ", path_of(file));
      compare(file, facts);
    }
    const bool has_file = region.file >= 0;
    const long mapped =
        call(SYS_mmap, region.start, region.length, region.protection, flags,
             has_file ? static_cast<uint64_t>(descriptor) : ~0ULL, has_file ? region.offset : 0);
    if (mapped == -17 /* EEXIST */) again();
    if (failed(mapped) || static_cast<uint64_t>(mapped) != region.start)
      cold("memory cannot be mapped: ", has_file ? path_of(state.files[region.file]) : "");
  }
  if (open >= 0) (void)call(SYS_close, static_cast<uint64_t>(descriptor));
  for (uint32_t number = 0; number < state.header.spans; ++number) {
    const Span& span = state.spans[number];
    const long mapped =
        call(SYS_mmap, span.start, span.length, state.regions[span.region].protection,
             MAP_PRIVATE | MAP_FIXED, static_cast<uint64_t>(state.image), span.offset);
    if (failed(mapped)) cold("the snapshot's pages cannot be mapped");
  }
  for (uint32_t number = 0; number < state.header.regions; ++number) {
    if (state.regions[number].advice != 0) advise(state.regions[number]);
  }
}

/// The command line and environment that /proc shows are this process's own, from PROGRAM on.
void tell_places() {
  struct {
    Places places;
    uint64_t arg_start, arg_end, env_start, env_end, auxv;
    uint32_t auxv_size, exe_fd;
  } map = {state.header.places, address(state.words[3]), 0, 0, 0, 0, 0, ~0U};
  map.arg_end = map.arg_start;
  for (char** word = state.words + 3; *word != nullptr; ++word)
    map.arg_end = address(*word) + length(*word) + 1;
  map.env_start = map.env_end = map.arg_end;
  for (char** word = state.environment; *word != nullptr; ++word)
    map.env_end = address(*word) + length(*word) + 1;
  const long told = call(SYS_prctl, PR_SET_MM, PR_SET_MM_MAP, address(&map), sizeof map, 0);
  if (failed(told)) cold("the kernel cannot be told where its heap is");
}

void restore_signals(const Point& point) {
  for (uint64_t number = 1; number <= kSignals; ++number) {
    if (number != 9 && number != 19)
      (void)call(SYS_rt_sigaction, number, address(&point.actions[number - 1]), 0, 8);
  }
  const struct {
    uint64_t pointer;
    uint32_t flags, unused;
    uint64_t size;
  } stack = {point.alternate_stack, static_cast<uint32_t>(point.alternate_flags), 0,
             point.alternate_size};
  (void)call(SYS_sigaltstack, address(&stack), 0);
}

void restore_thread(const Point& point) {
  (void)call(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, point.fs_base);
  const long id = call(SYS_set_tid_address, point.tid_address);
  *reinterpret_cast<volatile int*>(point.tid_address) = static_cast<int>(id);
  (void)call(SYS_set_robust_list, point.robust_list, point.robust_length);
  if (point.rseq == 0) return;
  volatile auto* words = reinterpret_cast<volatile uint32_t*>(point.rseq);
  for (uint64_t at = 0; at < point.rseq_length / 4; ++at) words[at] = 0;
  words[1] = ~0U;  // cpu_id: not registered
  if (failed(call(SYS_rseq, point.rseq, point.rseq_length, 0, point.rseq_signature)))
    words[1] = ~0U - 1;  // the registration failed; libraries do without
}

[[noreturn]] void become(const Point& point) {
  asm volatile(R"(
    ldmxcsr 72(%%rdi)
    fldcw 76(%%rdi)
    movq 0(%%rdi), %%rbx
    movq 8(%%rdi), %%rbp
    movq 16(%%rdi), %%r12
    movq 24(%%rdi), %%r13
    movq 32(%%rdi), %%r14
    movq 40(%%rdi), %%r15
    movq 48(%%rdi), %%rsp
    movl $1, %%eax
    cld
    jmp *56(%%rdi)
  )" ::"D"(&point)
               : "memory");
  __builtin_unreachable();
}

}  // namespace
}  // namespace thaw::snapshot

extern "C" [[noreturn]] void thaw_restore(uint64_t* stack) {
  using namespace thaw::snapshot;
  state.words = reinterpret_cast<char**>(stack + 1);
  state.environment = state.words + stack[0] + 1;
  if (stack[0] < 4) {
    say("usage: thaw-restore IMAGE TRIES PROGRAM [ARGUMENT...]");
    call(SYS_exit_group, 2);
  }
  const uint64_t all = ~0ULL;
  (void)call(SYS_rt_sigprocmask, kSetMask, address(&all), 0, 8);
  look_at_own_memory();
  read_header();
  check_machine();
  check_tables();
  check_files();
  clear_the_way();
  move_vdso(state.vvar.start, kVdsoAt);
  map_regions();
  move_vdso(kVdsoAt, state.header.vvar);
  tell_places();
  (void)call(SYS_prctl, PR_SET_NAME, address(state.header.comm));
  say("restored");
  (void)call(SYS_close, static_cast<uint64_t>(state.image));
  const uint64_t size = state.header.file_size - state.header.tables;
  (void)call(SYS_munmap, kTablesAt, size);
  const Point& point = state.header.point;
  restore_signals(point);
  restore_thread(point);
  (void)call(SYS_rt_sigprocmask, kSetMask, address(&point.blocked), 0, 8);
  become(point);
}

asm(R"(
    .text
    .globl _start
_start:
    movq %rsp, %rdi
    andq $-16, %rsp
    call thaw_restore
)");
