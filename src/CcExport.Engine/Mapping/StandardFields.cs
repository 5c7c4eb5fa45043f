namespace CcExport.Engine.Mapping;

/// <summary>What a contact field takes.</summary>
internal enum FieldKind
{
    Email,
    Text,
    /// <summary>A month, 1 to 12, sent as a number.</summary>
    Month,
    /// <summary>A day of a month, 1 to 31, sent as a number.</summary>
    Day,
    /// <summary>A date in one of the forms the import reads.</summary>
    Date,
}

/// <summary>A standard field of the import.</summary>
/// <param name="Limit">Characters (UTF-16 units).</param>
/// <param name="Group">Phone or address group it belongs to: three of each are the most that one contact takes.</param>
internal readonly record struct StandardField(string Name, FieldKind Kind, int Limit, string? Group = null);

/// <summary>The standard fields of the import (constant-contact import, <c>JsonImportContact</c>); SMS is left out.</summary>
internal static class StandardFields
{
    public const string Email = "email";
    public const string CustomPrefix = "cf:";

    public static IReadOnlyList<StandardField> All { get; } = Build();

    private static readonly Dictionary<string, StandardField> ByName = All.ToDictionary(f => f.Name, StringComparer.OrdinalIgnoreCase);

    public static bool TryGet(string name, out StandardField field) => ByName.TryGetValue(name, out field);

    private static List<StandardField> Build()
    {
        List<StandardField> fields =
        [
            new(Email, FieldKind.Email, Limits.Email),
            new("first_name", FieldKind.Text, Limits.ShortText),
            new("last_name", FieldKind.Text, Limits.ShortText),
            new("job_title", FieldKind.Text, Limits.ShortText),
            new("company_name", FieldKind.Text, Limits.ShortText),
            new("birthday_month", FieldKind.Month, 2),
            new("birthday_day", FieldKind.Day, 2),
            new("anniversary", FieldKind.Date, 10),
        ];
        foreach (string phone in new[] { "phone", "home_phone", "work_phone", "mobile_phone", "other_phone" })
            fields.Add(new StandardField(phone, FieldKind.Text, Limits.ShortText, "phone:" + phone));
        foreach (string prefix in new[] { "", "home_", "work_", "other_" })
        {
            foreach (string line in new[] { "street", "street2" })
                fields.Add(new StandardField(prefix + line, FieldKind.Text, Limits.LongText, "address:" + prefix));
            foreach (string part in new[] { "city", "state", "zip", "country" })
                fields.Add(new StandardField(prefix + part, FieldKind.Text, Limits.ShortText, "address:" + prefix));
        }
        return fields;
    }
}
