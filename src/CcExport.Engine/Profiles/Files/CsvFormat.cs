namespace CcExport.Engine.Profiles;

/// <summary>How a delimited text is written.</summary>
internal sealed record CsvFormat
{
    /// <summary>The delimiter; null: whichever of comma, semicolon, tab and bar the first line has most of outside quotes.</summary>
    public byte? Delimiter { get; init; }
    /// <summary>False: a quote is a character like others (<c>QuoteStyle.None</c>).</summary>
    public bool Quotes { get; init; } = true;
    /// <summary>False: the first line is data, and <see cref="Columns"/> names the columns.</summary>
    public bool HasHeader { get; init; } = true;
    /// <summary>The columns when there is no header, or other names than the header's.</summary>
    public IReadOnlyList<string>? Columns { get; init; }
}
