namespace CcExport.Engine.Exports;

/// <summary>One place that keeps something of people. Whatever keeps such has one of these in <see cref="ContactEraser"/>.</summary>
internal interface IPersonalData
{
    /// <summary>What it keeps, in one word, for the proof.</summary>
    string What { get; }

    /// <summary>Removes all of one person and returns how much it was. No run is at work meanwhile. Must be safe to repeat after it ended half-way.</summary>
    Task<long> EraseAsync(UInt128 address, CancellationToken ct);
}
