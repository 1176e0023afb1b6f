import Glibc
import SystemPackage

/// The memory that the process can still take.
package enum AvailableMemory {
    /// The least of what the machine has free, what the control groups allow, what `ulimit -v` leaves, and the megabytes
    /// that `GRAFT_MEMORY` names; `nil` where none of them tells.
    package static var bytes: Int? {
        [machine, ControlGroup.availableMemory, addressSpace, try? named()].compactMap { $0 }.min()
    }

    /// What `GRAFT_MEMORY` names, in bytes; `nil` where it is not set.
    package static func named() throws(InvalidSetting) -> Int? {
        guard let text = environment("GRAFT_MEMORY"), !text.isEmpty else { return nil }
        guard let megabytes = Int(text), megabytes >= 0 else { throw InvalidSetting(value: text) }
        let (bytes, overflow) = megabytes.multipliedReportingOverflow(by: 1 << 20)
        return overflow ? Int.max : bytes
    }

    /// `GRAFT_MEMORY` holds no number.
    package struct InvalidSetting: Error, Equatable, CustomStringConvertible {
        package let value: String
        package var description: String {
            "GRAFT_MEMORY is \"\(value)\"; expected a whole number of megabytes, such as 4096. Correct or unset it."
        }
    }

    private static var machine: Int? {
        kernelText("/proc/meminfo").flatMap { text in
            text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
                .flatMap { Int($0.filter(\.isWholeNumber)) }
        }.map { $0 * 1024 }
    }

    private static var addressSpace: Int? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != UInt.max,
            let pages = kernelText("/proc/self/statm")?.split(separator: " ").first.flatMap({ Int($0) })
        else { return nil }
        return max(0, Int(clamping: limit.rlim_cur) - pages * sysconf(Int32(_SC_PAGESIZE)))
    }
}

/// The beginning of a file of the kernel's.
func kernelText(_ path: FilePath) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return nil }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 8192)
    guard let count = unsafe try? bytes.withUnsafeMutableBytes({ unsafe try file.read(into: $0) }) else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self)
}

/// Work that would not fit into memory.
public struct MemoryShortage: Error, Equatable, Sendable, CustomStringConvertible {
    public let work: String
    public let needed: Int
    public let available: Int
    public let advice: String

    /// Throws where `needed` bytes are more than are available.
    package static func check(_ needed: Int, for work: String, advice: String) throws(MemoryShortage) {
        guard let available = AvailableMemory.bytes, needed > available else { return }
        throw MemoryShortage(work: work, needed: needed, available: available, advice: advice)
    }

    public var description: String {
        "\(work) needs about \(needed >> 20) MB of memory, and \(available >> 20) MB can be had. \(advice)"
    }
}
