import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("ControlGroup")
struct ControlGroupTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func group(_ files: [String: String], in path: String) throws {
        for (name, text) in files { try scratch.write(text + "\n", to: path + "/" + name) }
    }

    private func available(_ membership: String) -> Int? {
        ControlGroup(root: scratch.path, membership: membership).availableMemory
    }

    @Test("version 2: the least of the process's group and those above it, cached files counted as free")
    func version2() throws {
        try group(["memory.max": "max", "memory.current": "900"], in: "a")
        try group(["memory.max": "1000", "memory.current": "400", "memory.stat": "anon 1\nactive_file 50"], in: "a/b")
        try group(["memory.max": "800", "memory.current": "300"], in: "a/b/c")
        #expect(available("0::/a/b/c\n") == 500)
        #expect(available("0::/a/b\n") == 650)
        #expect(available("0::/a\n") == nil)
    }

    @Test("version 1 beside an empty version 2")
    func version1() throws {
        try group(
            [
                "memory.limit_in_bytes": "1000", "memory.usage_in_bytes": "400",
                "memory.stat": "inactive_file 7\ntotal_inactive_file 20\ntotal_active_file 30",
            ], in: "memory/box")
        #expect(available("3:cpu,cpuacct:/\n2:cpuset,memory:/box\n0::/\n") == 650)
    }

    @Test("files that exceed what is used, and use beyond the limit, leave the limit and nothing")
    func contradiction() throws {
        let none = Int.max & ~4095
        try group(
            [
                "memory.limit_in_bytes": "\(none)", "memory.usage_in_bytes": "400000",
                "memory.stat": "total_inactive_file 300000\ntotal_active_file 200000",
            ], in: "memory/box")
        #expect(available("2:memory:/box\n") == none)
        try group(
            [
                "memory.limit_in_bytes": "100", "memory.usage_in_bytes": "\(Int.max)",
                "memory.stat": "total_inactive_file 0",
            ], in: "memory/box")
        #expect(available("2:memory:/box\n") == 0)
    }

    @Test("a path from outside the container ends at what is mounted")
    func container() throws {
        try group(["memory.max": "1000", "memory.current": "100"], in: ".")
        #expect(available("0::/system.slice/docker-1.scope\n") == 900)
    }

    @Test("no group, no limit")
    func none() { #expect(available("0::/\n") == nil) }
}
