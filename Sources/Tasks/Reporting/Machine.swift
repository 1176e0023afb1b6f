import FoundationEssentials
import Tensors

/// What a run was computed with.
public enum Machine {
    /// Processor, threads, engine and system.
    public static var facts: [RunReport.Fact] {
        var facts: [RunReport.Fact] = []
        if let name = processor("model name") { facts.append(RunReport.Fact("processor", name)) }
        if let flags = processor("flags") {
            let words = Set(flags.split(separator: " ").map(String.init))
            let sets = [
                ("avx2", "AVX2"), ("fma", "FMA"), ("avx512f", "AVX-512"), ("avx512_vnni", "VNNI"),
                ("avx512_bf16", "BF16"), ("amx_tile", "AMX"),
            ].filter { words.contains($0.0) }.map(\.1)
            facts.append(RunReport.Fact("instruction sets", sets.joined(separator: ", ")))
        }
        facts.append(RunReport.Fact("threads", "\(ThreadPool.shared.threads) of \(ThreadPool.cores) cores"))
        facts.append(RunReport.Fact("engine", "\(MatrixEngine.current.rawValue) \(MatrixEngine.current.details)"))
        return facts
    }

    /// A line of the first processor.
    private static func processor(_ key: String) -> String? {
        guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return nil }
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].prefix(while: { $0 != "\t" }) == key {
                return String(parts[1].drop { $0 == " " })
            }
        }
        return nil
    }
}
