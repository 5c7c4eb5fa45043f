BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Target = @{ Connection = 'Simulator'; ListId = $Simulator.ListId }
    $People = @(
        [pscustomobject]@{ Nr = 1; Mail = ' ann@example.com '; FirstName = 'Ann'; Last = 'Lee'; Tags = 'x', 'y' }
        [pscustomobject]@{ Nr = 2; Mail = 'bob@example.com'; FirstName = 'Bob'; Last = $null; Tags = @() }
    )

    function Show($Objects, $With, $More = @{}) {
        ($Objects | Test-CcExport @Target -Map $With @More).Sample | ForEach-Object { [Text.Json.JsonSerializer]::Deserialize[Collections.Generic.Dictionary[string, string]]($_) }
    }
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe 'Script blocks in a map' {
    It 'give values of piped objects, beside properties' {
        $run = $People | Invoke-CcExport @Target -Map @{ email = { $_.Mail.Trim() }; first_name = 'FirstName'; last_name = { $_.Last } } -WarningAction SilentlyContinue -WarningVariable warnings
        "$($run.Status)", $run.Accepted | Should -Be 'Completed', 2
        "$warnings" | Should -Not -Match 'script block'
        $members = Invoke-RestMethod "$($Simulator.Url)admin/lists/$($Simulator.ListId)/contacts.csv" | ConvertFrom-Csv
        ($members | Where-Object email -EQ 'ann@example.com').first_name, ($members | Where-Object email -EQ 'ann@example.com').last_name | Should -Be 'Ann', 'Lee'
    }

    It 'give what Select-Object gives: <What>' -ForEach @(
        @{ What = 'text'; Script = { "$($_.FirstName)!" }; Is = 'Ann!' }
        @{ What = '$PSItem'; Script = { $PSItem.FirstName }; Is = 'Ann' }
        @{ What = 'a number without culture'; Script = { 1234.5 }; Is = '1234.5' }
        @{ What = 'a date'; Script = { [datetime]::SpecifyKind('2024-02-03', 'Utc') }; Is = '2024-02-03T00:00:00.0000000Z' }
        @{ What = 'several outputs, joined'; Script = { 'a'; 'b'; $null; 3 }; Is = 'a; b; 3' }
        @{ What = 'an array'; Script = { $_.Tags }; Is = 'x; y' }
        @{ What = 'what a command says'; Script = { $_.FirstName | ForEach-Object ToUpperInvariant }; Is = 'ANN' }
        @{ What = 'an error that it deals with itself'; Script = { try { throw 'x' } catch { 'caught' } }; Is = 'caught' }
        @{ What = 'nothing'; Script = { }; Is = $null }
        @{ What = 'null'; Script = { $null }; Is = $null }
    ) {
        $value = $null
        $null = (Show $People[0] @{ email = { $_.Mail.Trim() }; first_name = $Script }).TryGetValue('first_name', [ref] $value)
        $value | Should -BeExactly $Is
    }

    It 'see the variables and functions of where they were written' {
        $suffix = '-x'
        function Add-Suffix($Text) { "$Text$suffix" }
        (Show $People[0] @{ email = { $_.Mail.Trim() }; first_name = { Add-Suffix $_.FirstName } }).first_name | Should -Be 'Ann-x'
    }

    It 'work on every shape of object' {
        $table = [Data.DataTable]::new()
        $null = $table.Columns.Add('Mail')
        $null = $table.Rows.Add('t@example.com')
        foreach ($object in @{ Mail = 't@example.com' }, [ordered]@{ Mail = 't@example.com' }, $table.Rows[0], ([xml]'<c Mail="t@example.com" />').c) {
            (Show $object @{ email = { $_.Mail } }).email | Should -Be 't@example.com' -Because $object.GetType().Name
        }
        (Show 't@example.com' @{ email = { $_ } }).email | Should -Be 't@example.com'
    }

    It 'have columns of their own even where a property has the name' {
        $object = [pscustomobject]@{ '{first_name}' = 'property'; Mail = 'a@example.com' }
        $shown = Show $object @{ email = 'Mail'; first_name = { 'script' }; last_name = '{first_name}' }
        $shown.first_name, $shown.last_name | Should -Be 'script', 'property'
    }

    It 'that fail give a missing value, and one warning says how often: <What>' -ForEach @(
        @{ What = 'a method of null'; Script = { $_.Last.Trim() } }
        @{ What = 'throw'; Script = { if (-not $_.Last) { throw 'canary@example.com' }; $_.Last } }
        @{ What = 'Write-Error'; Script = { if (-not $_.Last) { Write-Error 'canary@example.com' }; $_.Last } }
        @{ What = 'a cmdlet that fails'; Script = { if (-not $_.Last) { Get-Item /no/such/canary }; $_.Last } }
        @{ What = 'division by zero'; Script = { if (-not $_.Last) { 1 / ($null + 0) } else { $_.Last } } }
    ) {
        $objects = $People + $People[1]
        $objects = $objects | ForEach-Object { $i = 0 } { $i++; [pscustomobject]@{ Mail = "p$i@example.com"; Last = $_.Last } }
        $said = $objects | Test-CcExport @Target -Map @{ email = 'Mail'; last_name = $Script } -WarningVariable warnings -WarningAction SilentlyContinue -ErrorVariable errors -ErrorAction SilentlyContinue
        $said.WouldSend | Should -Be 3
        $said.Sample -match 'last_name' | Should -HaveCount 1
        @($warnings).Count | Should -Be 1
        "$warnings" | Should -Match "'last_name' failed for 2 of 3 objects"
        "$warnings" | Should -Not -Match 'canary'
        # What a script writes as an error by itself is kept in the error variable, not said as one of the cmdlet's.
        @($errors | Where-Object { $_ -is [Management.Automation.ErrorRecord] -and $_.FullyQualifiedErrorId -match 'TestCcExport' }) | Should -BeNullOrEmpty
    }

    It 'that fail for every address leave no contact, and say so' {
        $preview = $People | Test-CcExport @Target -Map @{ email = { throw 'x' } } -WarningVariable warnings -WarningAction SilentlyContinue
        $preview.WouldSend, $preview.Reasons['EmailMissing'] | Should -Be 0, 2
        "$warnings" | Should -Match "'email' failed for 2 of 2 objects"
    }

    It 'give the key, but never an address as one' {
        $bad = @([pscustomobject]@{ Nr = 7; Mail = 'bad' }, [pscustomobject]@{ Nr = 8; Mail = 'bad too' })
        $run = $bad | Invoke-CcExport @Target -Map @{ email = 'Mail' } -KeyProperty { "K-$($_.Nr)" } -WarningAction SilentlyContinue
        (Get-CcRejection $run.Id).SourceKey | Should -Be 'K-7', 'K-8'
        $run = [pscustomobject]@{ Mail = 'a@@example.com' } | Invoke-CcExport @Target -Map @{ email = 'Mail' } -KeyProperty { $_.Mail } -WarningVariable warnings -WarningAction SilentlyContinue
        (Get-CcRejection $run.Id).SourceKey | Should -BeNullOrEmpty
        "$warnings" | Should -Match '-KeyProperty.*1 object'
    }

    It 'need piped objects: <What>' -ForEach @(
        @{ What = 'not a path'; Id = 'MapScriptBlock'; Do = { Test-CcExport -Path $Csv @Target -Map @{ email = { $_.Mail } } } }
        @{ What = 'not a stored export'; Id = 'MapScriptBlock'; Do = { Set-CcExport Scripted @Target -Path $Csv -Map @{ email = { $_.Mail } } } }
        @{ What = 'nor their key'; Id = 'ScriptBlockNotPiped'; Do = { Test-CcExport -Path $Csv @Target -Map @{ email = 'Mail' } -KeyProperty { $_.Nr } } }
        @{ What = 'nor the key of a stored one'; Id = 'ScriptBlockNotPiped'; Do = { Set-CcExport Scripted @Target -Path $Csv -Map @{ email = 'Mail' } -KeyProperty { $_.Nr } } }
        @{ What = 'nor the newest'; Id = 'ScriptBlockNotPiped'; Do = { Test-CcExport -Path $Csv @Target -Map @{ email = 'Mail' } -PreferNewest { $_.Nr } } }
    ) {
        $Csv = Join-Path $Folder 'p.csv'
        Set-Content $Csv "Nr,Mail`n1,a@example.com"
        try { & $Do; throw 'no error' } catch { $face = Get-ErrorFace $_ }
        $face.Id | Should -BeExactly $Id
        $face.Message | Should -Match 'piped objects'
        $face.Remedy | Should -Match 'pipe'
        Get-CcExport Scripted* | Should -BeNullOrEmpty
    }

    It 'obey Ctrl+C as the pipeline does' {
        $shell = [powershell]::Create()
        $null = $shell.AddScript("Import-Module '$Manifest'; 1..1000 | Test-CcExport -Connection Simulator -ListId '$($Simulator.ListId)' -Map @{ email = { Start-Sleep -Milliseconds 200; `"p`$_@example.com`" } }")
        $running = $shell.BeginInvoke()
        Start-Sleep -Seconds 3
        $watch = [Diagnostics.Stopwatch]::StartNew()
        $shell.Stop()
        $watch.Elapsed.TotalSeconds | Should -BeLessThan 5
        $running.IsCompleted | Should -BeTrue
        $shell.InvocationStateInfo.State | Should -Be 'Stopped'
        $shell.Dispose()
    }
}
