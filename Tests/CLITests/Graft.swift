import FoundationEssentials
import Subprocess
import SystemPackage
import TestSupport

/// The built program, run as a user runs it.
struct Graft {
    struct Outcome {
        let status: Int
        let output: String
        let errors: String
    }

    /// Beside the test runner: both are products of one build.
    static var executable: FilePath {
        FilePath(CommandLine.arguments[0]).removingLastComponent().appending("graft")
    }

    var environment: [String: String] = [:]

    func callAsFunction(_ arguments: String..., input: [UInt8] = []) async throws -> Outcome {
        try await run(arguments, input: input)
    }

    func run(_ arguments: [String], input: [UInt8] = [], program: FilePath = executable) async throws -> Outcome {
        var overrides: [Environment.Key: String?] = [:]
        for (key, value) in environment { overrides[Environment.Key(stringLiteral: key)] = value }
        // A file and not a pipe: a program that ends without reading it breaks no pipe.
        let scratch = try TemporaryDirectory()
        let file = try FileDescriptor.open(
            scratch("input"), .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
        try file.writeAll(input)
        try file.seek(offset: 0, from: .start)
        let result = try await Subprocess.run(
            .path(program), arguments: Arguments(arguments), environment: .inherit.updating(overrides),
            input: .fileDescriptor(file, closeAfterSpawningProcess: true), output: .string(limit: 1 << 26),
            error: .string(limit: 1 << 20))
        let status =
            switch result.terminationStatus {
            case .exited(let code): Int(code)
            case .signaled(let signal): 128 + Int(signal)
            }
        return Outcome(status: status, output: result.standardOutput, errors: result.standardError)
    }

    /// A shell's command line, for what needs pipes.
    @discardableResult
    func shell(_ script: String) async throws -> Outcome { try await run(["-c", script], program: "/bin/sh") }
}
