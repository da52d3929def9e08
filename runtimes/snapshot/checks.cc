// What thaw-restore insists on before anything of its own memory is given up.
#include <fcntl.h>
#include <sys/utsname.h>

#include "restore.h"

namespace thaw::snapshot {
namespace {

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

}  // namespace

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
  uint32_t before = 0;
  for (uint32_t number = 0; number < header.spans; ++number) {
    const Span& span = state.spans[number];
    if (span.region < before || span.region >= header.regions ||
        !is_range(span.start, span.length) || span.start < state.regions[span.region].start ||
        span.start + span.length >
            state.regions[span.region].start + state.regions[span.region].length ||
        state.regions[span.region].flags != MAP_PRIVATE || span.offset % kPage != 0 ||
        span.offset > header.tables || span.length > header.tables - span.offset)
      cold("the snapshot's spans are damaged");
    before = span.region;
  }
  const Point& point = header.point;
  const bool has_rseq = point.rseq == 0 || (point.rseq_length <= kPage &&
                                            is_inside(point.rseq, point.rseq_length, PROT_WRITE));
  if (!is_inside(point.tid_address, 4, PROT_WRITE) || !is_inside(point.rip, 1, PROT_EXEC) ||
      !is_inside(point.rsp, 8, PROT_WRITE) || point.fs_base >= kTop || !has_rseq)
    cold("the snapshot's registers are damaged");
}

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

}  // namespace thaw::snapshot
