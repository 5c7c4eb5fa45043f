BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Target = @{ Connection = 'Simulator'; ListId = $Simulator.ListId }
    $Map = @{ email = 'EMail'; first_name = 'FirstName' }

    $Csv = Join-Path $Folder 'customers.csv'
    Set-Content $Csv @'
CustomerId,EMail,FirstName,LastName
c1,ann@example.com,Ann,Lee
c2,bob@example.com,Bob,Ray
c3,nobody,Bad,Mail
c4,ANN@example.com,Dup,Lee
c5,,No,Mail
'@

    # The simulator's list, as it says itself.
    function Get-ListMember { Invoke-RestMethod "$($Simulator.Url)admin/lists/$($Simulator.ListId)/contacts.csv" | ConvertFrom-Csv }
    function Get-CallCount { (Invoke-RestMethod "$($Simulator.Url)admin/state").calls.total }
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'The three commands' {
    It 'bring a file to a list, with numbers that add up' {
        Set-CcExport -Name Customers @Target -Path $Csv -Map @{ email = 'email'; first_name = 'FirstName'; last_name = 'lastname' } | Should -BeNullOrEmpty
        $run = Invoke-CcExport Customers
        $run.Status | Should -Be 'Completed'
        $run.Export | Should -Be 'Customers'
        $run.Read, $run.Invalid, $run.Duplicate, $run.Sent, $run.Accepted | Should -Be 5, 2, 1, 2, 2
        (Get-ListMember).email | Sort-Object | Should -Be 'ann@example.com', 'bob@example.com'
    }

    It 'keep a reason for each profile that did not go' {
        $rejections = Get-CcRun -Last 1 | Get-CcRejection
        $rejections.Reason | Should -Be 'EmailMalformed', 'Duplicate', 'EmailMissing'
        $rejections.SourceKey | Should -Be 'c3', 'c4', 'c5'
        $rejections.Row | Should -Be 3, 4, 5
        $rejections | ForEach-Object { $_ | ConvertTo-Json -Depth 1 } | Should -Not -Match 'example\.com|nobody'
    }

    It 'show a definition and its last run' {
        $export = Get-CcExport Cust*
        $export.LastStatus | Should -Be 'Completed'
        $export.Path | Should -Be $Csv
        ($export | Get-CcRun).Export | Should -Be 'Customers'
    }

    It 'need no warning on a repeat: who left the list is held out' {
        $run = Invoke-CcExport Customers -WarningVariable warnings -WarningAction SilentlyContinue
        $run.Status | Should -Be 'Completed'
        "$warnings" | Should -Not -Match 'put back'
    }
}

Describe 'Invoke-CcExport -WhatIf' {
    It 'says what it would send, and sends nothing' {
        $before = Get-CallCount
        $runs = @(Get-CcRun).Count
        # What-if goes to the host, so it is read from a child.
        $said = Invoke-Child "Import-Module '$Manifest'; Invoke-CcExport Customers -WhatIf" | Out-String
        $said | Should -Match 'What if: Sending 2 of 5 profiles'
        $said | Should -Match '2 invalid, 1 duplicate'
        @(Get-CcRun).Count | Should -Be $runs
        (Invoke-RestMethod "$($Simulator.Url)admin/state").jobsTotal | Should -Not -BeNullOrEmpty
        Get-CallCount | Should -BeLessOrEqual ($before + 4) -Because 'looking at the account is not sending'
    }

    It 'obeys the preference, for piped objects too' {
        $runs = @(Get-CcRun).Count
        & { $WhatIfPreference = $true; Import-Csv $Csv | Invoke-CcExport @Target -Map $Map } | Should -BeNullOrEmpty
        @(Get-CcRun).Count | Should -Be $runs
    }
}

Describe 'Test-CcExport' {
    It 'previews a stored export' {
        $preview = Test-CcExport Customers
        $preview.WouldSend, $preview.Invalid, $preview.Duplicate | Should -Be 2, 2, 1
        $preview.Complete | Should -BeTrue
        $preview.Rejections.Count | Should -Be 3
        $preview.Reasons['EmailMissing'] | Should -Be 1
    }

    It 'shows the first contacts as JSON' {
        $sample = (Test-CcExport Customers).Sample
        $sample.Count | Should -Be 2
        ($sample[0] | ConvertFrom-Json).email | Should -Be 'ann@example.com'
    }

    It 'previews a file before anything is stored, and only its first profiles' {
        $preview = Test-CcExport -Path $Csv @Target -Map $Map -First 2
        $preview.Read, $preview.WouldSend | Should -Be 2, 2
    }

    It 'previews piped objects' {
        (Import-Csv $Csv | Test-CcExport @Target -Map $Map -MaxRejection 1).Rejections.Count | Should -Be 1
    }
}

Describe 'Objects of every shape' {
    BeforeAll {
        Add-Type -TypeDefinition @'
public class ShopCustomer
{
    public string EMail { get; set; }
    public string FirstName { get; set; }
    public System.DateTime Since { get; set; }
    public decimal Spent { get; set; }
    public bool Active { get; set; }
    public string[] Tags { get; set; }
    public System.Guid CustomerId { get; set; }
    public int? Visits { get; set; }
}
'@
        function Send($Objects, $With = $Map) { $Objects | Invoke-CcExport @Target -Map $With -WarningAction SilentlyContinue }
        function Show($Objects, $With) { ($Objects | Test-CcExport @Target -Map $With).Sample | ForEach-Object { [Text.Json.JsonSerializer]::Deserialize[Collections.Generic.Dictionary[string, string]]($_.TrimEnd(',')) } }
    }

    It 'takes <Shape>' -ForEach @(
        @{ Shape = 'rows of Import-Csv'; Make = { Import-Csv $Csv } }
        @{ Shape = 'custom objects'; Make = { [pscustomobject]@{ EMail = 'a@example.com'; FirstName = 'A' } } }
        @{ Shape = 'hashtables'; Make = { @{ EMail = 'a@example.com'; FirstName = 'A' } } }
        @{ Shape = 'ordered dictionaries'; Make = { [ordered]@{ EMail = 'a@example.com'; FirstName = 'A' } } }
        @{ Shape = 'generic dictionaries'; Make = { $d = [Collections.Generic.Dictionary[string, object]]::new(); $d['EMail'] = 'a@example.com'; $d['FirstName'] = 'A'; , $d } }
        @{ Shape = 'objects of a .NET type'; Make = { [ShopCustomer]@{ EMail = 'a@example.com'; FirstName = 'A' } } }
        @{ Shape = 'objects with added members'; Make = { [ShopCustomer]@{ EMail = 'a@example.com' } | Add-Member -Force -PassThru NoteProperty Other 1 } }
        @{ Shape = 'rows of a data table'; Make = { $t = [Data.DataTable]::new(); $null = $t.Columns.Add('EMail'), $t.Columns.Add('FirstName'); $null = $t.Rows.Add('a@example.com', [DBNull]::Value); $t.Rows } }
        @{ Shape = 'nodes of XML'; Make = { ([xml]'<r><c EMail="a@example.com" FirstName="A" /></r>').r.c } }
        @{ Shape = 'objects from JSON'; Make = { '[{"EMail":"a@example.com","FirstName":"A"}]' | ConvertFrom-Json } }
        @{ Shape = 'selected properties'; Make = { [ShopCustomer]@{ EMail = 'a@example.com'; FirstName = 'A' } | Select-Object EMail, @{ n = 'FirstName'; e = { 'B' } } } }
    ) {
        $run = Send (& $Make)
        $run.Status | Should -Be 'Completed'
        $run.Trigger | Should -Be 'Pipeline'
        $run.Export | Should -BeNullOrEmpty
        $run.Accepted | Should -BeGreaterThan 0
    }

    It 'takes an expando object given as the parameter' {
        $object = [Dynamic.ExpandoObject]::new()   # a pipeline would enumerate it
        $object.EMail = 'a@example.com'
        $object.FirstName = 'A'
        (Test-CcExport -InputObject $object @Target -Map $Map).WouldSend | Should -Be 1
    }

    It 'takes an array given as the parameter' {
        $rows = Import-Csv $Csv
        (Test-CcExport -InputObject $rows @Target -Map $Map).Read | Should -Be 5
    }

    It 'writes values the same on every machine' {
        $culture = [cultureinfo]::CurrentCulture
        try {
            [cultureinfo]::CurrentCulture = 'de-DE'
            $one = [ShopCustomer]@{ EMail = 'a@example.com'; Spent = 1234.5; Since = [datetime]::SpecifyKind('2024-02-03T04:05:06', 'Utc'); Active = $true; Tags = 'x', 'y' }
            $names = @{ Spent = '1234.5'; Since = '2024-02-03T04:05:06.0000000Z'; Active = 'True'; Tags = 'x; y' }
            foreach ($object in $one, ($one | Select-Object *), @{ EMail = $one.EMail; Spent = $one.Spent; Since = $one.Since; Active = $one.Active; Tags = $one.Tags }) {
                foreach ($name in $names.Keys) {
                    (Show $object @{ email = 'EMail'; first_name = $name }).first_name | Should -BeExactly $names[$name]
                }
            }
        }
        finally { [cultureinfo]::CurrentCulture = $culture }
    }

    It 'leaves out what is not there: null, DBNull, a property that a later object lacks' {
        $contacts = Show @([pscustomobject]@{ EMail = 'a@example.com'; FirstName = $null }, [pscustomobject]@{ EMail = 'b@example.com' }, @{ EMail = 'c@example.com'; FirstName = [DBNull]::Value }, [ShopCustomer]@{ EMail = 'd@example.com' }) $Map
        $contacts.Count | Should -Be 4
        foreach ($contact in $contacts) { $contact.Keys | Should -Not -Contain 'first_name' }
    }

    It 'finds properties without regard to case' {
        (Show @([pscustomobject]@{ email = 'a@example.com'; FIRSTNAME = 'A' }) $Map).first_name | Should -Be 'A'
    }

    It 'names the key of a rejected object' {
        $run = Send @([pscustomobject]@{ CustomerId = 'k7'; EMail = 'bad'; FirstName = 'A' })
        (Get-CcRejection $run.Id).SourceKey | Should -Be 'k7'
        $run = @([pscustomobject]@{ Nr = 12; EMail = 'bad'; FirstName = 'A' }) | Invoke-CcExport @Target -Map $Map -KeyProperty nr -WarningAction SilentlyContinue
        (Get-CcRejection $run.Id).SourceKey | Should -Be '12'
    }

    It 'counts a property that cannot be read as missing, and says so once' {
        $objects = 1..3 | ForEach-Object { [pscustomobject]@{ EMail = "p$_@example.com" } | Add-Member -PassThru ScriptProperty FirstName { throw 'no' } }
        $preview = $objects | Test-CcExport @Target -Map $Map -WarningVariable warnings -WarningAction SilentlyContinue
        $preview.WouldSend | Should -Be 3
        @($warnings | Where-Object { "$_" -match 'FirstName' }).Count | Should -Be 1
    }

    It 'counts a getter that throws as missing, without its words, and a profile without an address as invalid' {
        Add-Type -TypeDefinition 'public class Moody { public string EMail { get; set; } public string FirstName { get { throw new System.InvalidOperationException("canary@example.com"); } } public string Other { get { throw new System.Exception("canary"); } } }'
        $objects = 1..3 | ForEach-Object { [Moody]@{ EMail = "moody$_@example.com" } }
        $run = $objects | Invoke-CcExport @Target -Map $Map -WarningVariable warnings -WarningAction SilentlyContinue
        $run.Status, $run.Accepted | Should -Be 'Completed', 3
        @($warnings | Where-Object { "$_" -match "'FirstName' of a piped object cannot be read" }).Count | Should -Be 1
        "$warnings" | Should -Not -Match 'canary'
        $preview = $objects | Test-CcExport @Target -Map @{ email = 'Other' } -WarningAction SilentlyContinue
        $preview.WouldSend, $preview.Invalid, $preview.Reasons['EmailMissing'] | Should -Be 0, 3, 3
        $run = 1..2 | ForEach-Object { [pscustomobject]@{ FirstName = 'A' } | Add-Member -PassThru ScriptProperty EMail { throw 'canary' } } | Invoke-CcExport @Target -Map $Map -WarningAction SilentlyContinue
        $run.Read, $run.Invalid, $run.Sent | Should -Be 2, 2, 0
    }

    It 'takes many' {
        $run = 1..5000 | ForEach-Object { [pscustomobject]@{ EMail = "many$_@example.com"; FirstName = "N$_" } } | Invoke-CcExport @Target -Map $Map -BatchSize 2000 -WarningAction SilentlyContinue
        $run.Sent, $run.Accepted, $run.Batches | Should -Be 5000, 5000, 3
    }

    It 'says when nothing came' {
        @() | Invoke-CcExport @Target -Map $Map -WarningVariable warnings -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        "$warnings" | Should -Match 'Nothing came'
    }

    It 'says when an array given as the parameter is empty: <Shape>' -ForEach @(
        @{ Shape = 'an array'; Nothing = @() }
        @{ Shape = 'a list'; Nothing = [Collections.Generic.List[object]]::new() }
        @{ Shape = 'nothing but nulls'; Nothing = @($null, $null) }
    ) {
        $runs = @(Get-CcRun).Count
        Invoke-CcExport -InputObject $Nothing @Target -Map $Map -WarningVariable warnings -WarningAction SilentlyContinue | Should -BeNullOrEmpty
        "$warnings" | Should -Match 'Nothing came'
        @(Get-CcRun).Count | Should -Be $runs
    }

    It 'does not go on when the pipeline before it fails' {
        $runs = @(Get-CcRun).Count
        { & { [pscustomobject]@{ EMail = 'z@example.com'; FirstName = 'Z' }; throw 'upstream' } | Invoke-CcExport @Target -Map $Map -WarningAction SilentlyContinue } | Should -Throw 'upstream'
        Get-CcRun | Select-Object -First ([Math]::Max(0, @(Get-CcRun).Count - $runs)) | Where-Object Status -In 'Completed', 'CompletedWithErrors' | Should -BeNullOrEmpty
        (Get-ListMember).email | Should -Not -Contain 'z@example.com'
    }
}

Describe 'Errors' {
    It '<Id>: <What>' -ForEach @(
        @{ What = 'a missing column lists those that exist'; Id = 'ColumnNotFound'; Category = 'InvalidArgument'; Do = { Import-Csv $Csv | Invoke-CcExport @Target -Map @{ email = 'Mail' } }; Says = 'CustomerId, EMail, FirstName' }
        @{ What = 'a map without email'; Id = 'MapWithoutEmail'; Category = 'InvalidArgument'; Do = { Set-CcExport Other @Target -Path $Csv -Map @{ first_name = 'FirstName' } }; Says = 'email' }
        @{ What = 'an unknown map key'; Id = 'MapKeyUnknown'; Category = 'InvalidArgument'; Do = { Set-CcExport Other @Target -Path $Csv -Map @{ email = 'EMail'; shoe_size = 'Size' } }; Says = 'shoe_size' }
        @{ What = 'a map with an empty column'; Id = 'MapColumnEmpty'; Category = 'InvalidArgument'; Do = { Set-CcExport Other @Target -Path $Csv -Map @{ email = '' } }; Says = 'email' }
        @{ What = 'a new export that lacks things'; Id = 'ExportIncomplete'; Category = 'InvalidArgument'; Do = { Set-CcExport Other -Map @{ email = 'EMail' } }; Says = '-Connection' }
        @{ What = 'a connection of that name'; Id = 'NameTaken'; Category = 'ResourceExists'; Do = { $Simulator | New-CcConnection -AcceptDataPrivacy }; Says = 'Simulator' }
        @{ What = 'a connection that exports use'; Id = 'ConnectionInUse'; Category = 'ResourceBusy'; Do = { Remove-CcConnection Simulator }; Says = 'Customers' }
        @{ What = 'a file that is not there'; Id = 'InputNotFound'; Category = 'ObjectNotFound'; Do = { Get-CcProfile -Path (Join-Path $Folder 'gone.csv') }; Says = 'gone.csv' }
        @{ What = 'a path of another kind'; Id = 'PathNotFileSystem'; Category = 'InvalidArgument'; Do = { Get-CcProfile -Path env:PATH }; Says = 'env:PATH' }
        @{ What = 'a name without a match'; Id = 'ExportNotFound'; Category = 'ObjectNotFound'; Do = { Invoke-CcExport Nope }; Says = 'Nope' }
        @{ What = 'a run that never was'; Id = 'RunNotFound'; Category = 'ObjectNotFound'; Do = { Get-CcRejection 987654 }; Says = '987654' }
        @{ What = 'a simulator of another session'; Id = 'SimulatorNotFound'; Category = 'ObjectNotFound'; Do = { Stop-CcSimulator -ProcessId 1 }; Says = '1' }
    ) {
        try { & $Do; throw 'no error' } catch { $face = Get-ErrorFace $_ }
        $face.Id | Should -BeExactly $Id
        $face.Category | Should -Be $Category
        $face.Message | Should -Match ([regex]::Escape($Says))
        $face.Message | Should -Not -Match '\bat CcExport\.|Exception'
        $face.Remedy | Should -Not -BeNullOrEmpty
    }

    It 'Get-<Noun> -Name: a name without a match is one error, a pattern none' -ForEach @(
        @{ Noun = 'CcConnection'; Id = 'ConnectionNotFound'; With = @{} }
        @{ Noun = 'CcExport'; Id = 'ExportNotFound'; With = @{} }
        @{ Noun = 'CcSource'; Id = 'SourceNotFound'; With = @{} }
        @{ Noun = 'CcList'; Id = 'ListNotFound'; With = @{ Connection = 'Simulator' } }
        @{ Noun = 'CcCustomField'; Id = 'CustomFieldNotFound'; With = @{ Connection = 'Simulator' } }
    ) {
        $found = & "Get-$Noun" -Name 'NoSuchThing', '*' @With -ErrorAction SilentlyContinue -ErrorVariable errors
        @($errors).Count | Should -Be 1
        (Get-ErrorFace $errors[0]).Id | Should -BeExactly $Id
        (Get-ErrorFace $errors[0]).Category | Should -Be 'ObjectNotFound'
        & "Get-$Noun" -Name 'NoSuch*' @With -ErrorAction Stop | Should -BeNullOrEmpty
    }

    It 'one bad name does not stop the others' {
        $runs = Invoke-CcExport Nope, Customers -ErrorAction SilentlyContinue -ErrorVariable errors -WarningAction SilentlyContinue
        @($runs).Count | Should -Be 1
        (Get-ErrorFace $errors[0]).Id | Should -Be 'ExportNotFound'
    }

    It 'a run that stopped half-way says so, and the next invocation goes on with it' {
        Set-CcExport -Name HalfWay @Target -Path $Csv -Map $Map
        $fault = @{ match = @{ path = 'contacts_json_import'; nth = 1; count = 100 }; effect = @{ kind = 'status'; status = 403; body = '[{"error_key":"access_denied","error_message":"Request forbidden due to insufficient user privileges."}]' } }
        $null = Invoke-RestMethod "$($Simulator.Url)admin/faults" -Method Post -ContentType application/json -Body ($fault | ConvertTo-Json -Depth 4)
        try { $run = Invoke-CcExport -Name HalfWay -ErrorVariable problems -ErrorAction SilentlyContinue -WarningAction Ignore }
        finally { $null = Invoke-RestMethod "$($Simulator.Url)admin/faults" -Method Delete }
        "$($run.Status)" | Should -BeExactly 'Interrupted'
        (Get-ErrorFace $problems[0]).Id | Should -BeExactly 'RunInterrupted'
        (Get-ErrorFace $problems[0]).Remedy | Should -Match 'Resume-CcRun -Id \d+'
        $again = Invoke-CcExport -Name HalfWay -WarningVariable said -WarningAction SilentlyContinue
        $again.Id | Should -Be $run.Id
        "$($again.Status)" | Should -BeExactly 'Completed'
        "$said" | Should -Match 'did not come to its end'
        Remove-CcExport -Name HalfWay -Confirm:$false
    }

    It 'a failed run is written as an object, then as the error RunFailed' {
        $bad = Join-Path $Folder 'bad.csv'
        $text = [Text.StringBuilder]::new("EMail,FirstName`n")
        foreach ($i in 1..200000) { $null = $text.Append("u$i@example.com,N`n") }
        [IO.File]::WriteAllBytes($bad, [Text.Encoding]::Latin1.GetBytes("$($text)a@example.com,Jos$([char] 0xE9)`n"))
        $run = Invoke-CcExport -Path $bad @Target -Map $Map -ErrorAction SilentlyContinue -ErrorVariable errors -WarningAction SilentlyContinue
        $run.Status | Should -Be 'Failed'
        $run.Sent | Should -Be 0
        $face = Get-ErrorFace $errors[0]
        $face.Id | Should -BeExactly 'RunFailed'
        $face.Message | Should -Match 'UTF-8'
        $face.Target.Id | Should -Be $run.Id
        # So many at once is what the guard would ask about.
        (Invoke-CcExport -Path $bad -Encoding windows-1252 @Target -Map $Map -Force -WarningAction SilentlyContinue).Status | Should -Be 'Completed'
    }

    It 'asks for consent, and cannot where nobody is' {
        $said = Invoke-Child @"
Import-Module '$Manifest'
try { New-CcConnection x y -DeviceCode -ErrorAction Stop } catch { (`$_.FullyQualifiedErrorId -split ',')[0]; `$_.ErrorDetails.RecommendedAction }
"@
        $said[0] | Should -Be 'ConsentRequired'
        "$said" | Should -Match '-AcceptDataPrivacy'
        "$said" | Should -Match 'personal data'
    }
}

Describe 'Sources, segments, profiles' {
    It 'read by name and by path, through the pipeline' {
        $source = New-CcSource Shop $Csv
        $source.Path | Should -Be $Csv
        ($source | Get-CcSegment).Name | Should -Be 'customers'
        ($source | Get-CcSegment | Get-CcProfile).Count | Should -Be 5
        (Get-CcSegment -Path $Csv | Get-CcProfile -First 1 -Property firstname).FirstName | Should -Be 'Ann'
        (Get-Item $Csv | Get-CcProfile -First 2).Count | Should -Be 2
        Remove-CcSource Shop
        Get-CcSource | Should -BeNullOrEmpty
    }

    It 'resolve paths at the session''s location' {
        Push-Location $Folder
        try {
            (Get-CcProfile -Path ./customers.csv -First 1).CustomerId | Should -Be 'c1'
            (Get-CcProfile -Path 'cust*.csv' -First 1).CustomerId | Should -Be 'c1'
            Copy-Item $Csv './odd[1].csv'
            (Get-CcProfile -Path './odd[1].csv' -First 1).CustomerId | Should -Be 'c1'
        }
        finally { Pop-Location }
    }

    It 'stop reading when the pipeline has enough' {
        $large = Join-Path $Folder 'large.csv'
        $writer = [IO.StreamWriter]::new($large)
        $writer.WriteLine('EMail,FirstName')
        foreach ($i in 1..200000) { $writer.WriteLine("l$i@example.com,N$i") }
        $writer.Dispose()
        $clock = [Diagnostics.Stopwatch]::StartNew()
        (Get-CcProfile -Path $large | Select-Object -First 3).Count | Should -Be 3
        $clock.Elapsed.TotalSeconds | Should -BeLessThan 1
    }
}

Describe 'Changes ask first' {
    It '<Do> -WhatIf changes nothing' -ForEach @(
        @{ Do = { Remove-CcExport Customers -WhatIf } }
        @{ Do = { Set-CcExport Customers -BatchSize 5 -WhatIf } }
        @{ Do = { New-CcSource Other $Csv -WhatIf } }
        @{ Do = { Remove-CcConnection Simulator -WhatIf } }
        @{ Do = { Stop-CcSimulator -WhatIf } }
        @{ Do = { Start-CcSimulator -WhatIf } }
    ) {
        & $Do | Should -BeNullOrEmpty
        (Get-CcExport Customers).BatchSize | Should -BeNullOrEmpty
        Get-CcSource | Should -BeNullOrEmpty
        (Test-CcConnection Simulator).Healthy | Should -BeTrue
    }

    It 'Set-CcExport changes what is named, and shows it on request' {
        $export = Get-CcExport Customers | Set-CcExport -BatchSize 100 -PassThru
        $export.BatchSize | Should -Be 100
        $export.Map['last_name'] | Should -Be 'lastname'
        $export = Set-CcExport Customers -KeepDays 30 -PassThru
        $export.KeepDays, $export.BatchSize | Should -Be 30, 100
        { Set-CcExport Customers -KeepDays 0 } | Should -Throw
        (Import-Csv $Csv | Invoke-CcExport @Target -Map $Map -KeepDays 7 -WarningAction Ignore).Status | Should -Be 'Completed'
        Set-CcExport Temporary @Target -Path $Csv -Map $Map
        Get-CcExport Temp* | Remove-CcExport
        Get-CcExport Temp* | Should -BeNullOrEmpty
    }
}

Describe 'Completion' {
    BeforeAll { function Complete([string] $Line) { (TabExpansion2 $Line).CompletionMatches } }

    It 'knows names' {
        (Complete 'Get-CcConnection ').CompletionText | Should -Contain 'Simulator'
        (Complete 'Invoke-CcExport Cu').CompletionText | Should -Contain 'Customers'
    }

    It 'knows lists by name, and inserts the id' {
        $null = Get-CcList Simulator
        $match = Complete 'Set-CcExport -ListId ' | Where-Object ListItemText -EQ $Simulator.ListName
        $match.CompletionText | Should -Be $Simulator.ListId
        (Complete "Set-CcExport -ListId $($Simulator.ListName.Substring(0, 3))").CompletionText | Should -Contain $Simulator.ListId
    }

    It 'knows maps, with columns of the path' {
        $all = Complete "Invoke-CcExport -Path '$Csv' -Map "
        $all[0].CompletionText | Should -Be "@{ email = 'EMail'; first_name = 'FirstName'; last_name = 'LastName' }"
        $all.ListItemText | Should -Contain 'company_name'
    }

    It 'knows columns, segments, encodings' {
        (Complete "Get-CcProfile -Path '$Csv' -Property L").CompletionText | Should -Be 'LastName'
        (Complete "Get-CcProfile -Path '$Csv' -Segment ").CompletionText | Should -Be 'customers'
        (Complete 'Get-CcProfile -Path x -Encoding win').CompletionText | Should -Contain 'windows-1252'
    }

    It 'never fails' {
        { Complete 'Get-CcProfile -Path "/no/such/place" -Segment ' } | Should -Not -Throw
        { Complete 'Get-CcProfile -Source nope -Property ' } | Should -Not -Throw
    }
}

Describe 'The simulator' {
    It 'ends on request' {
        $second = Start-CcSimulator
        Get-Process -Id $second.ProcessId | Should -Not -BeNullOrEmpty
        $second | Stop-CcSimulator
        Get-Process -Id $second.ProcessId -ErrorAction Ignore | Should -BeNullOrEmpty
        Get-Process -Id $Simulator.ProcessId | Should -Not -BeNullOrEmpty
    }

    It 'keeps its secret in a secure string' {
        $Simulator.RefreshToken | Should -BeOfType securestring
        $Simulator | Format-List | Out-String | Should -Not -Match 'RefreshToken'
    }

    It 'says when the port is taken' {
        $port = $Simulator.Url.Port
        try { Start-CcSimulator -Port $port; throw 'no error' } catch { $face = Get-ErrorFace $_ }
        $face.Id | Should -Be 'SimulatorNotStarted'
        $face.Remedy | Should -Match 'port'
    }
}
