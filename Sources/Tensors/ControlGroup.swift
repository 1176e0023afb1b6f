package import SystemPackage

/// The memory that Linux's control groups leave to the process: its own group's and that of all groups above it.
///
/// Source: the kernel's "Control Group v2", "Memory", and "Memory Resource Controller" of version 1.
package struct ControlGroup {
    /// The names of one version's files and of the counters of `memory.stat`.
    private struct Version {
        let mount: String
        /// What stands between the colons of the process's membership.
        let controller: String
        let limit, usage: String
        let reclaimable: [String]
    }

    private static let versions = [
        Version(
            mount: "", controller: "", limit: "memory.max", usage: "memory.current",
            reclaimable: ["inactive_file ", "active_file "]),
        Version(
            mount: "memory", controller: "memory", limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
            reclaimable: ["total_inactive_file ", "total_active_file "]),
    ]

    /// Where the groups are mounted.
    private let root: FilePath
    /// What `/proc/self/cgroup` says.
    private let membership: String

    package init(root: FilePath = "/sys/fs/cgroup", membership: String) {
        self.root = root
        self.membership = membership
    }

    /// Of this process; `nil` where no group limits it.
    static var availableMemory: Int? {
        kernelText("/proc/self/cgroup").flatMap { ControlGroup(membership: $0).availableMemory }
    }

    package var availableMemory: Int? { Self.versions.compactMap(available).min() }

    private func available(_ version: Version) -> Int? {
        guard let path = path(version) else { return nil }
        let mount = root.appending(version.mount)
        // In a container that sees its own group as the root, the path leads nowhere below it.
        var components = path.split(separator: "/").map(String.init)
        var least: Int?
        while true {
            let group = components.reduce(mount) { $0.appending($1) }
            if let bytes = available(in: group, version) { least = min(least ?? bytes, bytes) }
            if components.popLast() == nil { return least }
        }
    }

    /// The path of the process's group.
    private func path(_ version: Version) -> Substring? {
        for line in membership.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            if parts[1].split(separator: ",", omittingEmptySubsequences: false).contains(version.controller[...]) {
                return parts[2]
            }
        }
        return nil
    }

    private func available(in group: FilePath, _ version: Version) -> Int? {
        guard let limit = number(group.appending(version.limit)), let used = number(group.appending(version.usage))
        else { return nil }
        // What is kept of files is given back when memory is short.
        let lines = kernelText(group.appending("memory.stat"))?.split(separator: "\n") ?? []
        let files = version.reclaimable.map { name in
            lines.first { $0.hasPrefix(name) }.flatMap { Int($0.dropFirst(name.count)) } ?? 0
        }
        // The counters are not taken at one moment: files may come out larger than all that is used. Version 1 has a limit
        // near the largest integer where there is none.
        return max(0, limit - max(0, used - files.reduce(0, +)))
    }

    /// `nil` for `max`, too.
    private func number(_ path: FilePath) -> Int? {
        kernelText(path).flatMap { Int($0.filter { !$0.isWhitespace }) }
    }
}
