import ArgumentParser
import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks

struct Distill: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a small, fast model of a sentence encoder.",
        discussion: """
            With --static: a vector for every token, made of the encoder, whose mean is a text's vector: hundreds of times \
            as fast, at some cost in quality. What is written is a directory as Model2Vec writes it, which graft embed, \
            search and evaluate read too (docs/sentence-encoders.md). An encoder learns from another with graft adapt \
            --loss distill.

            Example: graft distill all-MiniLM-L6-v2 --static --output fast/
            """)

    @OptionGroup var model: ModelArgument

    @Flag(name: .customLong("static"), help: "Make static embeddings.")
    var isStatic = false

    @Option(help: "The directory to write; it must not exist.", completion: .directory)
    var output: String

    @Option(help: "The columns of the vectors, the principal components of the encoder's.")
    var dimensions = 256

    @Option(help: "The frequency at which a token counts half of a rare one; 0 lets all count alike.")
    var sif = 1e-4

    @OptionGroup var threads: ThreadOption

    func validate() throws {
        try refuse(!isStatic, "--static is missing; graft adapt --loss distill trains an encoder from another.")
        try require(dimensions >= 1, "--dimensions", dimensions, "at least 1")
        try require((0..<1).contains(sif), "--sif", sif, "0 to below 1")
        if output.isEmpty { throw ValidationError("--output is empty; expected a directory to write.") }
    }

    func run() throws {
        try reportingFailures {
            let start = monotonicSeconds()
            try threads.apply()
            let target = FilePath(output)
            _ = try AtomicDirectory(target)
            var options = StaticDistillation.Options()
            options.dimensions = dimensions
            options.sif = sif
            let distilled = try StaticDistillation(model.resolve(), options)
            if distilled.dimensions < dimensions {
                StandardError.note("the encoder allows \(distilled.dimensions) columns")
            }
            try distilled.write(to: target, name: model.model)
            let seconds = monotonicSeconds() - start
            try StandardOutput.print(
                line: .object([
                    "output": .string(output), "tokens": .integer(distilled.tokenCount),
                    "dimensions": .integer(distilled.dimensions),
                    "keptVariance": .number((distilled.keptVariance * 1e4).rounded() / 1e4),
                    "seconds": .number((seconds * 100).rounded() / 100),
                ]))
        }
    }
}
