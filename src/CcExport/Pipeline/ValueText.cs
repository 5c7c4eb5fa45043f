using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Management.Automation.Internal;

namespace CcExport.Pipeline;

/// <summary>
/// A value as the text that is exported, the same on every machine: numbers without culture, dates in ISO 8601 as they
/// round-trip, True and False. Null and DBNull are "not there". Several values are joined with "; ".
/// </summary>
internal static class ValueText
{
    private const string Separator = "; ";

    public static string? Of(object? value) => value switch
    {
        null => null,
        string text => text,
        PSObject wrapped => wrapped == AutomationNull.Value ? null : Of(wrapped.BaseObject),
        DBNull => null,
        DateTime time => time.ToString("o", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.ToString("o", CultureInfo.InvariantCulture),
        DateOnly date => date.ToString("o", CultureInfo.InvariantCulture),
        TimeOnly time => time.ToString("o", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        IEnumerable several and not IDictionary => Join(several),
        _ => value.ToString(),
    };

    /// <summary>The same for a value whose type is known, without making an object of a number or a date.</summary>
    public static string? Of<T>(T value)
    {
        if (value is null) return null;
        if (typeof(T) == typeof(DateTime) || typeof(T) == typeof(DateTimeOffset) || typeof(T) == typeof(DateOnly) || typeof(T) == typeof(TimeOnly))
            return ((IFormattable)value).ToString("o", CultureInfo.InvariantCulture);
        if (typeof(T).IsValueType && value is IFormattable number) return number.ToString(null, CultureInfo.InvariantCulture);
        return Of((object)value);
    }

    private static string? Join(IEnumerable several)
    {
        string? joined = null;
        foreach (object? one in several)
        {
            if (Of(one) is not { } text) continue;
            joined = joined is null ? text : joined + Separator + text;
        }
        return joined;
    }
}
