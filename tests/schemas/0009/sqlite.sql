BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0009');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	event VARCHAR(40) NOT NULL, 
	actor_id INTEGER, 
	at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	times INTEGER NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	detail TEXT NOT NULL, 
	chain VARCHAR(64) NOT NULL, key_id VARCHAR(8), request_id VARCHAR(64), 
	CONSTRAINT pk_audit PRIMARY KEY (id), 
	CONSTRAINT fk_audit_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id), 
	CONSTRAINT uq_audit_user_id_number UNIQUE (user_id, number)
);
INSERT INTO "audit" VALUES(1,1,1,'administrator_created',NULL,'2026-11-22 09:59:52.864064','2026-11-22 09:59:52.864064',1,'-','command line','{"superuser": true}','57198d77a90472efbfe29aeae42db80b5872f3cc37325d98cc5d443d25ece07e','a1e15d34',NULL);
INSERT INTO "audit" VALUES(2,2,1,'administrator_created',NULL,'2026-11-22 09:59:59.108319','2026-11-22 09:59:59.108319',1,'-','command line','{"superuser": false}','25c3057064446e0677d64cdddf69c2a2bb0e4aa519fe13a74773ec81076a46e7','a1e15d34',NULL);
INSERT INTO "audit" VALUES(3,3,1,'administrator_created',NULL,'2026-11-22 10:00:04.438227','2026-11-22 10:00:04.438227',1,'-','command line','{"superuser": false}','253360ad0d3288be3d21cc860e684a8ddf86de205fc1270595dbb5fd505a0d2e','a1e15d34',NULL);
INSERT INTO "audit" VALUES(4,4,1,'administrator_created',NULL,'2026-11-22 10:00:10.438738','2026-11-22 10:00:10.438738',1,'-','command line','{"superuser": false}','7bd53b6fe6d8fa2290a291ff8d82019bcf766c02510b556adb0001477e7cd166','a1e15d34',NULL);
INSERT INTO "audit" VALUES(5,5,1,'administrator_created',NULL,'2026-11-22 10:00:16.405989','2026-11-22 10:00:16.405989',1,'-','command line','{"superuser": false}','3957f498779a239ac87f5414b51dc4392c8d012c7cd60802db5997ae1b00577e','a1e15d34',NULL);
INSERT INTO "audit" VALUES(6,6,1,'administrator_created',NULL,'2026-11-22 10:00:23.130088','2026-11-22 10:00:23.130088',1,'-','command line','{"superuser": false}','e580d63e9f0f3b61f7a01cb5a8dd16953741243514be75ac7e4be2ac98629ca1','a1e15d34',NULL);
INSERT INTO "audit" VALUES(7,7,1,'administrator_created',NULL,'2026-11-22 10:00:28.876859','2026-11-22 10:00:28.876859',1,'-','command line','{"superuser": false}','852b8fd12b9f5381528989a3d7875aaa6c0d50e200eb412a641eca43b3b89763','a1e15d34',NULL);
INSERT INTO "audit" VALUES(8,8,1,'administrator_created',NULL,'2026-11-22 10:00:34.215101','2026-11-22 10:00:34.215101',1,'-','command line','{"superuser": false}','00432060df1170cb51c6057747c473781465b27000b3e307459aa08788a62b22','a1e15d34',NULL);
INSERT INTO "audit" VALUES(9,1,2,'signed_in',1,'2026-11-22 10:00:54.989401','2026-11-22 10:00:54.989401',1,'127.0.0.1','Chrome 156, Linux','{}','452c0e33f5fe814fb105bdfd9cad19766feb6270313ee563bf8ed60688d3df2b','a1e15d34','d3fa31490e54abcf');
INSERT INTO "audit" VALUES(10,7,2,'signed_in',7,'2026-11-22 10:00:55.074365','2026-11-22 10:00:55.074365',1,'127.0.0.1','Chrome 156, Linux','{}','90c33d1d0ac0d6905b3e4634333c770d4d4e583facaf2318e2a7d3978dd24d77','a1e15d34','bb9debd1d8b05ae3');
INSERT INTO "audit" VALUES(11,8,2,'signed_in',8,'2026-11-22 10:00:55.220439','2026-11-22 10:00:55.220439',1,'127.0.0.1','Chrome 156, Linux','{}','f70b2064ab356ba284065cc138db2ddc21ba9dfaba7e1eaa6f51dcaa657659e2','a1e15d34','47c62fabc4e7fa5d');
INSERT INTO "audit" VALUES(12,7,3,'passkey_added',7,'2026-11-22 10:00:56.426182','2026-11-22 10:00:56.426182',1,'127.0.0.1','Chrome 156, Linux','{"name": "Phone"}','62266477d026236a0c14fc3728cda1c95bd93fdf71cc6295853606561d105fe3','a1e15d34','a58942acda9b2b7f');
INSERT INTO "audit" VALUES(13,7,4,'app_added',7,'2026-11-22 10:00:57.042078','2026-11-22 10:00:57.042078',1,'127.0.0.1','Chrome 156, Linux','{}','2cb57b4b6d10c14424b4fc0863902a87955f1dc107f277a4a389f31dc894f912','a1e15d34','ff2493ac67039240');
INSERT INTO "audit" VALUES(14,8,3,'app_added',8,'2026-11-22 10:00:58.070305','2026-11-22 10:00:58.070305',1,'127.0.0.1','Chrome 156, Linux','{}','d0eb8f0912d3deea3e6ac7f4a711f1bc4bc4ac99a1f2007f17a1ec6b4f9cb3e3','a1e15d34','3c383cea6480de69');
INSERT INTO "audit" VALUES(15,7,5,'factor_reset_started',1,'2026-11-22 10:00:58.309347','2026-11-22 10:00:58.309347',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "reason": "lost his phone"}','cebf99fb4eaccbc52b711c7c21aeabe2d1375bcbcbe7acd2fb123c4dc14a8204','a1e15d34','96a069806db465fb');
INSERT INTO "audit" VALUES(16,1,3,'signed_in',1,'2026-11-22 10:01:05.650107','2026-11-22 10:01:05.650107',1,'127.0.0.1','Chrome 156, Linux','{}','f7a61c07e0d382068508b79e7da7270c9e75a48d3b525523390137b6234f2c8f','a1e15d34','d0d191eb20c5a0be');
INSERT INTO "audit" VALUES(17,2,2,'signed_in',2,'2026-11-22 10:01:05.919266','2026-11-22 10:01:05.919266',1,'127.0.0.1','Chrome 156, Linux','{}','0aff8d8f77a23eb7f057e534a5ffd4133492f2f50eb7b62de797a0688c81f1a7','a1e15d34','30e9b4969f6561c3');
INSERT INTO "audit" VALUES(18,3,2,'signed_in',3,'2026-11-22 10:01:06.057405','2026-11-22 10:01:06.057405',1,'127.0.0.1','Chrome 156, Linux','{}','a5c5702b51fec3f951d51d836f7c40ed9d67a3126a7ebc489d774e8f9cf52ef8','a1e15d34','f59b9956a091c3d9');
INSERT INTO "audit" VALUES(19,5,2,'signed_in',5,'2026-11-22 10:01:06.367456','2026-11-22 10:01:06.367456',1,'127.0.0.1','Chrome 156, Linux','{}','9a129bd5fb826f096be5b4327fa7eeecdceb3bd2dbfbfa37ac1070abf2c85652','a1e15d34','d98474fe84c9122e');
INSERT INTO "audit" VALUES(20,3,3,'code_requested',3,'2026-11-22 10:01:06.602470','2026-11-22 10:01:06.602470',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','b271a01a4cd04dfdd10bed418f0db5b0f7c8b81cf91eb11497d6ba6c60b1b593','a1e15d34','425d6fe84d4433e9');
INSERT INTO "audit" VALUES(21,3,4,'code_wrong',3,'2026-11-22 10:01:11.762363','2026-11-22 10:01:11.762363',1,'127.0.0.1','Chrome 156, Linux','{"email": "carol.new@example.com"}','4077910eafad8fc7d29d5af6037dd2b983621f02853d2080cc41ed63e4508544','a1e15d34','81601c20ca414c41');
INSERT INTO "audit" VALUES(22,3,5,'email_changed',3,'2026-11-22 10:01:11.795666','2026-11-22 10:01:11.795666',1,'127.0.0.1','Chrome 156, Linux','{"new": "carol.new@example.com", "old": "carol@example.com"}','4e954481d25c0b014d136317c046e98de7392e58588e6f4b6645da883e439043','a1e15d34','c8397c2ee943a33c');
INSERT INTO "audit" VALUES(23,2,3,'code_requested',2,'2026-11-22 10:01:16.767699','2026-11-22 10:01:16.767699',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','6b6db309416b537a9da4f8812e8fcf89611a8825dc6cdf734c73a5abee8bdfab','a1e15d34','a725254b4536333b');
INSERT INTO "audit" VALUES(24,2,4,'code_wrong',2,'2026-11-22 10:01:22.345800','2026-11-22 10:01:22.345800',1,'127.0.0.1','Chrome 156, Linux','{"email": "bob.new@example.com"}','91691a03580e566b4171bc3ccb1ceeef4e9530f42b42aa2bbd6197489d392a95','a1e15d34','5fb192515c4b6915');
INSERT INTO "audit" VALUES(25,1,4,'invitation_sent',1,'2026-11-22 10:01:27.452920','2026-11-22 10:01:27.452920',1,'127.0.0.1','Chrome 156, Linux','{"email": "gus@example.com", "superuser": false}','659735cfd68fa1965e87bd8d8eaa9c9a57537021644503f30d00ec4f47430d7e','a1e15d34','30c18c0b6c097e38');
INSERT INTO "audit" VALUES(26,6,2,'change_started',1,'2026-11-22 10:01:33.362040','2026-11-22 10:01:33.362040',1,'127.0.0.1','Chrome 156, Linux','{"by": "ann", "email": "fay.new@example.com", "reason": "lost her mailbox"}','7a8f48245a4f13ccf5a99e71634908ee7f5c35f204e57cb1bcdeb0fdfdc055d9','a1e15d34','d8f1b071ed311f9f');
INSERT INTO "audit" VALUES(27,5,3,'signed_out',5,'2026-11-22 10:01:33.736167','2026-11-22 10:01:33.736167',1,'127.0.0.1','Chrome 156, Linux','{}','cadc3b73e1d5122481102f0cf7f19bc93729470e9942ddb955173037ce542bbf','a1e15d34','35dcf122a86e7ab7');
INSERT INTO "audit" VALUES(28,5,4,'sign_in_failed',5,'2026-11-22 10:01:33.492519','2026-11-22 10:01:33.673145',3,'127.0.0.1','Chrome 156, Linux','{}','781cb73236285eda86f54036f539d5b3da918d6c4f3aedbe13a69944b0740843','a1e15d34','e34eba6cae9932a2');
CREATE TABLE audit_tie (
	user_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	chain VARCHAR(64) NOT NULL, 
	last_at DATETIME NOT NULL, 
	exported_at DATETIME NOT NULL, 
	file VARCHAR(100) NOT NULL, 
	key_id VARCHAR(8) NOT NULL, 
	signature VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_audit_tie PRIMARY KEY (user_id), 
	CONSTRAINT fk_audit_tie_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id)
);
INSERT INTO "audit_tie" VALUES(9,1,'3efb8e3a5c95ea393da48c60757cf35c4a7a3140d38ac4cb7d2141a25a8b6cd3','2025-11-22 10:00:39.917996','2026-11-22 10:00:45.756922','history-20261122T100045Z-16421c5e.jsonl','a1e15d34','3be1af715f2454d28aa3800f88ffb907d47f1d6d20a420f6d897439c87e74f53');
CREATE TABLE authenticator_app (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	secret VARCHAR(255) NOT NULL, 
	key_id VARCHAR(8) NOT NULL, 
	last_step BIGINT NOT NULL, 
	created_at DATETIME NOT NULL, 
	confirmed_at DATETIME, 
	used_at DATETIME, 
	CONSTRAINT pk_authenticator_app PRIMARY KEY (id), 
	CONSTRAINT fk_authenticator_app_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE
);
INSERT INTO "authenticator_app" VALUES(1,7,'gAAAAABrAr1YS7sQpIxM6TxcRPHe0sOZH_Td_kr7B-fqIaTQRVR-shBh1Uqggz6QsIvKEOANLlrJW1WqkHPcwZyQJKJM49CTGkqmpcB6UkiBeVHUoASfYwhJxjpKFNeS-tstDccIlwv5','a1e15d34',59844721,'2026-11-22 10:00:56.739209','2026-11-22 10:00:57.002411','2026-11-22 10:00:56.978402');
INSERT INTO "authenticator_app" VALUES(2,8,'gAAAAABrAr1ZlqZZcD1Ixcch5WpIDlz-vFKv1HRp8SZ77ZQCz-kidbjE-OG1BpKH03g0lKSby_rQPdSmiznvRDhf0U5fUKdNXKRHW3KkCvU2WYxG43mrWpxvO81lZRDm6YRdtT5luHjj','a1e15d34',59844721,'2026-11-22 10:00:57.154854','2026-11-22 10:00:58.068757','2026-11-22 10:00:58.067304');
CREATE TABLE budget (
	"key" VARCHAR(64) NOT NULL, 
	used INTEGER NOT NULL, 
	used_at DATETIME NOT NULL, 
	resets_at DATETIME NOT NULL, 
	CONSTRAINT pk_budget PRIMARY KEY ("key")
);
INSERT INTO "budget" VALUES('2473c4d9ad1cd8e2779b13295bba09a8487b72b57daf50f3dc21580436ef0fcf',1,'2026-11-22 10:01:06.509157','2026-11-22 11:01:06.509157');
INSERT INTO "budget" VALUES('4d52d9181fbecfde1d766b282dcbaee9baf05cb04ac36c518732dafaf34ff2e5',1,'2026-11-22 10:01:06.509157','2026-11-22 11:01:06.509157');
INSERT INTO "budget" VALUES('d13fe704acec3384faeaf4a12fe898418d7fd387d178ad136c841af9354f8a4d',1,'2026-11-22 10:01:06.509157','2026-11-23 10:01:06.509157');
INSERT INTO "budget" VALUES('dae428aad6b057aa354b438cded2fb1f9f751241e07ea2b6cfd114e1a72a0bbc',2,'2026-11-22 10:01:16.764040','2026-11-22 11:01:06.509157');
INSERT INTO "budget" VALUES('0c938d5a29069cb229fc7ed3880b5c4aef52721bda6d9ead5f72edd3716cde15',2,'2026-11-22 10:01:11.795153','2026-11-23 10:01:11.757725');
INSERT INTO "budget" VALUES('2319e8a1d3803deb9815b114c1ceb0b62e7e29df8b51946fb38bfbf60d001dd1',2,'2026-11-22 10:01:11.795153','2026-11-23 10:01:11.757725');
INSERT INTO "budget" VALUES('2beefded8416fa255543a5a93bc420c16fa09e175b428f7a8346660d9a1bea66',1,'2026-11-22 10:01:16.764040','2026-11-22 11:01:16.764040');
INSERT INTO "budget" VALUES('e819d40996c06513a021915c4c30e8b40f86a5af9327eab3416a226befa66821',1,'2026-11-22 10:01:16.764040','2026-11-23 10:01:16.764040');
INSERT INTO "budget" VALUES('f93053a5efb0f6a56d39b909e33035986c106896a08d32b2c8f9bc5ea6a60e46',1,'2026-11-22 10:01:16.764040','2026-11-22 11:01:16.764040');
INSERT INTO "budget" VALUES('603f9f295bc34c1ee937907c707ba1950ce7a57459f736417282d63fff5f63ab',1,'2026-11-22 10:01:22.345488','2026-11-23 10:01:22.345488');
INSERT INTO "budget" VALUES('82f509c0124e30f87d49ec82f74ebca65a372fb8c5064da17184aab721e675c1',1,'2026-11-22 10:01:22.345488','2026-11-23 10:01:22.345488');
INSERT INTO "budget" VALUES('ae32f60042d346b17fc9d7850f725f342f2030863d1830420e2d8a8541ec0ea2',1,'2026-11-22 10:01:27.442765','2026-11-22 11:01:27.442765');
CREATE TABLE cms_user (
	id INTEGER NOT NULL, 
	username VARCHAR(50) NOT NULL, 
	username_key VARCHAR(100) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	language VARCHAR(10), 
	mobile VARCHAR(20), 
	staff_number INTEGER, 
	gender VARCHAR(10), 
	city VARCHAR(40), 
	interests JSON NOT NULL, 
	profile_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	acted_at DATETIME NOT NULL, 
	frozen_until DATETIME, 
	audit_rows INTEGER NOT NULL, 
	audit_chain VARCHAR(64) NOT NULL, password_version INTEGER DEFAULT '1' NOT NULL, signed_in_at DATETIME, time_zone VARCHAR(64), erased_at DATETIME, has_second_factor BOOLEAN DEFAULT 0 NOT NULL, user_handle VARCHAR(43), factor_required_at DATETIME, 
	CONSTRAINT pk_cms_user PRIMARY KEY (id), 
	CONSTRAINT uq_cms_user_email_key UNIQUE (email_key), 
	CONSTRAINT uq_cms_user_username_key UNIQUE (username_key)
);
INSERT INTO "cms_user" VALUES(1,'ann','ann','ann@example.com','ann@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$QLBez1swjNuJSEhJz22HOg$qdRh8POlnahENKG3qf5214IYzi4seHGh+kBgwuByT/s',1,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 09:59:52.827621','2026-11-22 10:01:27.452920',NULL,4,'659735cfd68fa1965e87bd8d8eaa9c9a57537021644503f30d00ec4f47430d7e',1,'2026-11-22 10:01:05.650073',NULL,NULL,0,NULL,NULL);
INSERT INTO "cms_user" VALUES(2,'bob','bob','bob@example.com','bob@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$qm4BY9YDv/SAOwdKuoRILA$dgSLdGj2GHmcZNrhrN3f/7ukD1Mg69/IqYrGJ9scvG0',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 09:59:58.588296','2026-11-22 10:01:22.345800',NULL,4,'91691a03580e566b4171bc3ccb1ceeef4e9530f42b42aa2bbd6197489d392a95',1,'2026-11-22 10:01:05.919242',NULL,NULL,0,NULL,NULL);
INSERT INTO "cms_user" VALUES(3,'carol','carol','carol.new@example.com','carol.new@example.com',2,'$argon2id$v=19$m=19456,t=2,p=1$zOAV7br3xQ+07TJ2eKexgQ$KJ0L0b4NLt0yYhOlW3kc/hNlRu0pfXnLwfgpgEnhhsk',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 10:00:04.277284','2026-11-22 10:01:11.795666',NULL,5,'4e954481d25c0b014d136317c046e98de7392e58588e6f4b6645da883e439043',1,'2026-11-22 10:01:06.057376',NULL,NULL,0,NULL,NULL);
INSERT INTO "cms_user" VALUES(4,'dan','dan','dan@example.com','dan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$BZ1KxB/i5sfSyrrcB024xg$SvydoUTu/qlD4jZvkB1/Vq5LcK2DLxoUn8ozeGS6Nsg',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 10:00:10.363976','2026-11-22 10:00:10.438738',NULL,1,'7bd53b6fe6d8fa2290a291ff8d82019bcf766c02510b556adb0001477e7cd166',1,NULL,NULL,NULL,0,NULL,NULL);
INSERT INTO "cms_user" VALUES(5,'eve','eve','eve@example.com','eve@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$puJfjEZCyUC1FKvLV1KC4g$0NAcBprOIjYcNgEBujAfp50+2z7wJqFwlGLxCaxTJws',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 10:00:16.196001','2026-11-22 10:01:33.492519',NULL,4,'781cb73236285eda86f54036f539d5b3da918d6c4f3aedbe13a69944b0740843',1,'2026-11-22 10:01:06.367434',NULL,NULL,0,NULL,NULL);
INSERT INTO "cms_user" VALUES(6,'fay','fay','fay@example.com','fay@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$paqNiflzJRxrMcL/dscNPg$e8ks7eTu7Yqi0vHwOk4IDPeXqdeopk5r4ipB0IOXbM4',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 10:00:22.950601','2026-11-22 10:01:33.362040',NULL,2,'7a8f48245a4f13ccf5a99e71634908ee7f5c35f204e57cb1bcdeb0fdfdc055d9',1,NULL,NULL,NULL,0,NULL,NULL);
INSERT INTO "cms_user" VALUES(7,'hal','hal','hal@example.com','hal@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$vu6W0cvJ12i8F48oYZNOxA$5S+cnjSU8HfNPG46TB0HZ9nu8vcak+rOffjr3T/sxb0',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 10:00:28.794257','2026-11-22 10:00:58.309347',NULL,5,'cebf99fb4eaccbc52b711c7c21aeabe2d1375bcbcbe7acd2fb123c4dc14a8204',1,'2026-11-22 10:00:55.074338',NULL,NULL,1,'vSqzo79E3nPclsEoX76fanU2A-lbJkPcFESFVHpdDUw',NULL);
INSERT INTO "cms_user" VALUES(8,'ida','ida','ida@example.com','ida@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$wmxQ813e6gz/Q8jn8t7eLg$xaK5kJllpXZVSQ9LnIGHTp4gU7nyeaFbWVs0ZwMuEQg',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2026-11-22 10:00:34.090110','2026-11-22 10:00:58.070305',NULL,3,'d0eb8f0912d3deea3e6ac7f4a711f1bc4bc4ac99a1f2007f17a1ec6b4f9cb3e3',1,'2026-11-22 10:00:55.220402',NULL,NULL,1,NULL,NULL);
INSERT INTO "cms_user" VALUES(9,'jan','jan','jan@example.com','jan@example.com',1,'$argon2id$v=19$m=19456,t=2,p=1$5AIPNL+K3jMWl/w1c0MX9g$+AcQ1BAM/HpNw+7GRy3HFx0VCRBWrsr0WtlczlHZo0k',0,1,NULL,NULL,NULL,NULL,NULL,'[]',1,'2025-11-22 10:00:39.620160','2025-11-22 10:00:39.917996',NULL,1,'3efb8e3a5c95ea393da48c60757cf35c4a7a3140d38ac4cb7d2141a25a8b6cd3',1,NULL,NULL,NULL,0,NULL,NULL);
CREATE TABLE "email_change" (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	session_id INTEGER, 
	mail_id INTEGER, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	nonce VARCHAR(32) NOT NULL, 
	old_nonce VARCHAR(32), 
	stop_hash VARCHAR(64) NOT NULL, 
	asked_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	new_proved BOOLEAN NOT NULL, 
	old_proved BOOLEAN NOT NULL, 
	is_assisted BOOLEAN DEFAULT 0 NOT NULL, 
	started_by INTEGER, 
	network VARCHAR(64) DEFAULT '' NOT NULL, 
	browser VARCHAR(200) DEFAULT '' NOT NULL, 
	outcome VARCHAR(10) DEFAULT '' NOT NULL, 
	ended_by VARCHAR(50) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_email_change PRIMARY KEY (id), 
	CONSTRAINT uq_email_change_stop_hash UNIQUE (stop_hash), 
	CONSTRAINT fk_email_change_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_email_change_user_id UNIQUE (user_id), 
	CONSTRAINT fk_email_change_mail_id FOREIGN KEY(mail_id) REFERENCES mail (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_started_by FOREIGN KEY(started_by) REFERENCES cms_user (id) ON DELETE SET NULL, 
	CONSTRAINT fk_email_change_session_id FOREIGN KEY(session_id) REFERENCES login_session (id) ON DELETE SET NULL
);
INSERT INTO "email_change" VALUES(1,3,6,6,'carol.new@example.com','carol.new@example.com',1,'a1e15d34.kzf6oWfX5ezPjfiawcj-_Q',NULL,'c83e64f12ba45f5ccb6f7a4e3f9d73a929dfea630c29a7c3a49cbf70ecb5148a','2026-11-22 10:01:06.599316','2026-11-22 10:11:06.513690',2,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','made','');
INSERT INTO "email_change" VALUES(2,2,5,9,'bob.new@example.com','bob.new@example.com',1,'a1e15d34.yoEcExpvsFKps7-Z7yLDcA',NULL,'50ccfd117e93ede6ad971bf8e5a8ecd19e7714981bee8f735b1088ffbeb55fe4','2026-11-22 10:01:16.766024','2026-11-22 10:11:16.764539',1,0,0,0,NULL,'127.0.0.1','Chrome 156, Linux','','');
INSERT INTO "email_change" VALUES(3,6,NULL,13,'fay.new@example.com','fay.new@example.com',1,'',NULL,'bce7524a72eaed9799966d8726f3bc02cdaeb0594ab8d54726c0ddc5846426a9','2026-11-22 10:01:33.361713','2026-11-26 10:01:33.232038',0,0,0,1,1,'127.0.0.1','Chrome 156, Linux','','');
CREATE TABLE factor_reset (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	started_by INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	stop_hash VARCHAR(64) NOT NULL, 
	asked_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, 
	outcome VARCHAR(10) NOT NULL, 
	CONSTRAINT pk_factor_reset PRIMARY KEY (id), 
	CONSTRAINT fk_factor_reset_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT fk_factor_reset_started_by FOREIGN KEY(started_by) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_factor_reset_user_id UNIQUE (user_id), 
	CONSTRAINT uq_factor_reset_stop_hash UNIQUE (stop_hash)
);
INSERT INTO "factor_reset" VALUES(1,7,1,'lost his phone','4538745aa4f95ae5248eb9737dd7f21d21e4d6748a75e3b152816c48a9b28264','2026-11-22 10:00:58.303300','2026-11-23 10:00:58.303300','2026-11-26 10:00:58.303300','127.0.0.1','Chrome 156, Linux','');
CREATE TABLE invitation (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	is_superuser BOOLEAN NOT NULL, 
	invited_by INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_invitation PRIMARY KEY (id), 
	CONSTRAINT fk_invitation_invited_by FOREIGN KEY(invited_by) REFERENCES cms_user (id), 
	CONSTRAINT uq_invitation_email_key UNIQUE (email_key), 
	CONSTRAINT uq_invitation_token_hash UNIQUE (token_hash)
);
INSERT INTO "invitation" VALUES(1,'b72546f61a2a537102ea866f10fec9abb1064cd8e2b7a0d12a5582bc1ec29409','gus@example.com','gus@example.com',0,1,'2026-11-22 10:01:27.443917','2026-11-25 10:01:27.443917');
CREATE TABLE link (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	purpose VARCHAR(10) NOT NULL, 
	user_id INTEGER NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	email_key VARCHAR(254) NOT NULL, 
	email_version INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	ended_at DATETIME, since DATETIME, network VARCHAR(64) DEFAULT '' NOT NULL, browser VARCHAR(200) DEFAULT '' NOT NULL, 
	CONSTRAINT pk_link PRIMARY KEY (id), 
	CONSTRAINT fk_link_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_link_token_hash UNIQUE (token_hash)
);
INSERT INTO "link" VALUES(1,'b839acf8ff59001f27da0334fbec82d88f6df6b22a092e1dbaacb9e0e0614140','undo',3,'carol@example.com','carol@example.com',2,'2026-11-22 10:01:11.797563','2026-11-29 10:01:11.797563',NULL,'2026-11-22 10:01:06.599316','127.0.0.1','Chrome 156, Linux');
INSERT INTO "link" VALUES(2,'6b3b6ad0d8c0dd13444a5741d5a1907a92eb6a041c6eceb3e1a877618bd50a02','prove',6,'fay.new@example.com','fay.new@example.com',1,'2026-11-22 10:01:33.293445','2026-11-26 10:01:33.293445',NULL,NULL,'','');
CREATE TABLE login_session (
	id INTEGER NOT NULL, 
	id_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	proved_at DATETIME NOT NULL, 
	network VARCHAR(64) NOT NULL, 
	browser VARCHAR(200) NOT NULL, key_id VARCHAR(8), 
	CONSTRAINT pk_login_session PRIMARY KEY (id), 
	CONSTRAINT fk_login_session_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_login_session_id_hash UNIQUE (id_hash)
);
INSERT INTO "login_session" VALUES(1,'8c05a64079229c01b266ce037794101c536fe413b7c575fc76f2960013b2bd23',1,0,'2026-11-22 10:00:54.988458','2026-11-22 10:00:54.988458','2026-11-22 10:00:54.988458','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(2,'83d9f43c7997f8239eb4210ffed63dac83a04e2a3d3282efb5632a758463bb5e',7,0,'2026-11-22 10:00:55.074086','2026-11-22 10:00:55.074086','2026-11-22 10:00:55.074086','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(3,'8edb08f81145feb1cd5ecd3bfadaeeca4804b6a3c81dfd18fc35605788f3c1fe',8,0,'2026-11-22 10:00:55.202569','2026-11-22 10:00:55.202569','2026-11-22 10:00:55.202569','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(4,'00caa99d87daa7259e97e3c0feb0ca1906fcfe09c7f684702e1e2208d48e438c',1,0,'2026-11-22 10:01:05.649608','2026-11-22 10:01:05.649608','2026-11-22 10:01:05.649608','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(5,'743604dfc2fa82c65c686e0f47899cdf40f8485827faf5684d09c4228e70a9ed',2,0,'2026-11-22 10:01:05.918596','2026-11-22 10:01:05.918596','2026-11-22 10:01:05.918596','127.0.0.1','Chrome 156, Linux','a1e15d34');
INSERT INTO "login_session" VALUES(6,'2533805b6bac78d98b1cd6de582b4451aef72dfd8d96e0aaaf5f575353e4a873',3,0,'2026-11-22 10:01:06.050911','2026-11-22 10:01:06.050911','2026-11-22 10:01:06.050911','127.0.0.1','Chrome 156, Linux','a1e15d34');
CREATE TABLE mail (
	id INTEGER NOT NULL, 
	message_id VARCHAR(200) NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	user_id INTEGER, 
	recipient VARCHAR(254) NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	html TEXT NOT NULL, 
	state VARCHAR(10) NOT NULL, 
	created_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	not_after DATETIME NOT NULL, 
	tries INTEGER NOT NULL, 
	done_at DATETIME, 
	problem VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_mail PRIMARY KEY (id), 
	CONSTRAINT fk_mail_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_mail_message_id UNIQUE (message_id)
);
INSERT INTO "mail" VALUES(1,'<179534165661.20893.10590184889735563346@example.net>','factor_changed',7,'','','','','sent','2026-11-22 10:00:56.610106','2026-11-22 10:03:33.115660','2026-11-25 10:00:56.610106',1,'2026-11-22 10:01:03.217860','');
INSERT INTO "mail" VALUES(2,'<179534165705.20893.15258169659047380547@example.net>','factor_changed',7,'','','','','sent','2026-11-22 10:00:57.058216','2026-11-22 10:03:33.115660','2026-11-25 10:00:57.058216',1,'2026-11-22 10:01:03.255013','');
INSERT INTO "mail" VALUES(3,'<179534165807.20893.3442755320616639428@example.net>','factor_changed',8,'','','','','sent','2026-11-22 10:00:58.073923','2026-11-22 10:03:33.115660','2026-11-25 10:00:58.073923',1,'2026-11-22 10:01:03.308334','');
INSERT INTO "mail" VALUES(4,'<179534165830.20893.456406308228126804@example.net>','task:factor_reset',7,'hal@example.com','','{"request_id": "96a069806db465fb", "origin": {"network": "", "browser": "", "site": "http://localhost:27116", "time_zone": ""}, "reset": "4538745aa4f95ae5248eb9737dd7f21d21e4d6748a75e3b152816c48a9b28264"}','','queued','2026-11-22 10:00:58.308887','2026-11-23 10:00:58.303300','2026-11-26 10:00:58.303300',0,NULL,'');
INSERT INTO "mail" VALUES(5,'<179534165833.20893.326244403050381374@example.net>','factor_reset',7,'','','','','sent','2026-11-22 10:00:58.339790','2026-11-22 10:03:33.115660','2026-11-25 10:00:58.339790',1,'2026-11-22 10:01:03.334979','');
INSERT INTO "mail" VALUES(6,'<179534166658.20900.15847715342539462560@example.net>','code',3,'','','','','sent','2026-11-22 10:01:06.588837','2026-11-22 10:03:40.641781','2026-11-22 10:11:06.513690',1,'2026-11-22 10:01:10.676138','');
INSERT INTO "mail" VALUES(7,'<179534166658.20900.13499921428766413653@example.net>','heads_up',3,'','','','','sent','2026-11-22 10:01:06.588837','2026-11-22 10:03:40.641781','2026-11-22 10:11:06.513690',1,'2026-11-22 10:01:10.694852','');
INSERT INTO "mail" VALUES(8,'<179534167182.20900.13771578324770188774@example.net>','changed',3,'','','','','sent','2026-11-22 10:01:11.825112','2026-11-22 10:03:45.064002','2026-11-25 10:01:11.825112',1,'2026-11-22 10:01:15.095206','');
INSERT INTO "mail" VALUES(9,'<179534167676.20900.8089544340957884994@example.net>','code',2,'','','','','sent','2026-11-22 10:01:16.765609','2026-11-22 10:03:50.935407','2026-11-22 10:11:16.764539',1,'2026-11-22 10:01:21.010302','');
INSERT INTO "mail" VALUES(10,'<179534167676.20900.6890911820362040424@example.net>','heads_up',2,'','','','','sent','2026-11-22 10:01:16.765609','2026-11-22 10:03:50.935407','2026-11-22 10:11:16.764539',1,'2026-11-22 10:01:21.039135','');
INSERT INTO "mail" VALUES(11,'<179534168745.20900.16737283783340143553@example.net>','invitation',1,'','','','','sent','2026-11-22 10:01:27.452291','2026-11-22 10:04:00.922186','2026-11-25 10:01:27.443917',1,'2026-11-22 10:01:31.012559','');
INSERT INTO "mail" VALUES(12,'<179534169333.20900.10593550552273477601@example.net>','assisted',6,'','','','','sent','2026-11-22 10:01:33.339763','2026-11-22 10:04:07.815989','2026-11-25 10:01:33.339763',1,'2026-11-22 10:01:37.852611','');
INSERT INTO "mail" VALUES(13,'<179534169336.20900.16504034411887260645@example.net>','assisted_proof',6,'fay.new@example.com','请确认您的新邮箱','fay，您好：

已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：

http://127.0.0.1:27116/cms/resetemail/prove/xa8FPQXy_DBVIFuVGGZBzbzQXeoxucxMovs8BL0PieY/

时间：2026-11-22 10:01 UTC
操作人：ann

如果您不知情，请忽略此邮件，不会有任何改动。

-- 
账号中心 · 127.0.0.1:27116
','<!doctype html>
<html lang="zh">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>账号中心</title>
  </head>
  <body style="margin:0;padding:24px 12px;font-family:-apple-system,''Segoe UI'',Roboto,''PingFang SC'',''Microsoft YaHei'',''Noto Sans CJK SC'',sans-serif;font-size:16px;line-height:1.6">
    <div style="max-width:560px;margin:0 auto;padding:24px;border:1px solid #c9cede;border-radius:12px">
      <p style="margin:0 0 20px;padding-bottom:12px;border-bottom:1px solid #c9cede;font-weight:bold;overflow-wrap:anywhere">账号中心 · 127.0.0.1:27116</p>
      
<p>fay，您好：</p>
<p>已为您发起邮箱修改，您账号的邮箱将改为此邮箱。请通过以下链接确认：</p>
<p style="margin:20px 0"><a href="http://127.0.0.1:27116/cms/resetemail/prove/xa8FPQXy_DBVIFuVGGZBzbzQXeoxucxMovs8BL0PieY/" style="display:inline-block;padding:12px 24px;border:1px solid #2f6fde;border-radius:8px;background-color:#2f6fde;color:#ffffff;font-weight:bold;text-decoration:none">确认新邮箱</a></p>
<p style="font-size:14px">如果按钮无法点击，请打开以下网址：<br><a href="http://127.0.0.1:27116/cms/resetemail/prove/xa8FPQXy_DBVIFuVGGZBzbzQXeoxucxMovs8BL0PieY/" style="color:inherit;word-break:break-all">http://127.0.0.1:27116/cms/resetemail/prove/xa8FPQXy_DBVIFuVGGZBzbzQXeoxucxMovs8BL0PieY/</a></p>
<p style="padding-left:12px;border-left:3px solid #8a93b0;overflow-wrap:anywhere">时间：2026-11-22 10:01 UTC<br>
操作人：ann</p>
<p>如果您不知情，请忽略此邮件，不会有任何改动。</p>

    </div>
  </body>
</html>','queued','2026-11-22 10:01:33.361112','2026-11-23 10:01:33.232038','2026-11-26 10:01:33.232038',0,NULL,'');
INSERT INTO "mail" VALUES(14,'<179534169936.20900.18377677052245941967@example.net>','task:password_link',NULL,'dan@example.com','','{"request_id": "031c5429b9701e0b", "origin": {"network": "127.0.0.1", "browser": "Chrome 156, Linux", "site": "http://127.0.0.1:27116", "time_zone": ""}, "language": "zh"}','','queued','2026-11-22 10:01:39.360382','2026-11-22 10:01:39.360382','2026-11-25 10:01:39.360382',0,NULL,'');
CREATE TABLE passkey (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	credential_hash VARCHAR(64) NOT NULL, 
	credential TEXT NOT NULL, 
	transports VARCHAR(100) NOT NULL, 
	name VARCHAR(60) NOT NULL, 
	sign_count BIGINT NOT NULL, 
	challenged_at DATETIME NOT NULL, 
	created_at DATETIME NOT NULL, 
	used_at DATETIME, 
	CONSTRAINT pk_passkey PRIMARY KEY (id), 
	CONSTRAINT fk_passkey_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_passkey_credential_hash UNIQUE (credential_hash)
);
INSERT INTO "passkey" VALUES(1,7,'29c998fabc416f674f4aa55cbea6c4a7fc6a6fa82fd3dd9bdce712d10538c77a','AAAAAAAAAAAAAAAAAAAAAAAgLgPo8eThmqMM0zGyq2e3LnknS6H_HINF3haEZV_FvCilAQIDJiABIVggPnpo3oINpZZWkvdyw5BncXKcpcmYPzFGzZSQVZpjgAsiWCCImPH7O3n-JfgIzGLRKDVDjSVDl0rX0gGEAzVSyA7eUg','hybrid internal','Phone',0,'2026-11-22 10:00:55.484625','2026-11-22 10:00:56.381431',NULL);
CREATE TABLE pending_sign_in (
	id INTEGER NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	user_id INTEGER NOT NULL, 
	remembered BOOLEAN NOT NULL, 
	password_version INTEGER NOT NULL, 
	email_version INTEGER NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_pending_sign_in PRIMARY KEY (id), 
	CONSTRAINT fk_pending_sign_in_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_pending_sign_in_token_hash UNIQUE (token_hash)
);
INSERT INTO "pending_sign_in" VALUES(1,'59a0adfc55d7ee1ef90d698400b5618879646493587e1b521829102866b87ddc',8,0,1,1,'2026-11-22 10:10:58.263626');
CREATE TABLE recovery_code (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	salt VARCHAR(100) NOT NULL, 
	code_hash VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	used_at DATETIME, 
	CONSTRAINT pk_recovery_code PRIMARY KEY (id), 
	CONSTRAINT fk_recovery_code_user_id FOREIGN KEY(user_id) REFERENCES cms_user (id) ON DELETE CASCADE
);
INSERT INTO "recovery_code" VALUES(1,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','10KG+LZfyJCm3gTPhCXM9FBckheWaPbwHvdlhkMYFtM','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(2,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','xLMIY3Hc4N6gCGEf8mU88SuYh+abD294UkfFrvRUIqs','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(3,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','3pfBJmNNn0mwgOUFENaboBnOcPn0ClxL2TBjhoCkhEc','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(4,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','dyZU2q8eiB7cA+0yxsGYC/2ZePuBGqztkHLA3Btawz4','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(5,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','3jGHvdPvqLglPWzesW85Y+35evM9XWnaATI9fCJ2ISM','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(6,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','Jh0k1/q2udpVbRC6auBzAYAdQ1fJsw/TZgN3mKzXFRg','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(7,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','nwmdRTq8k9DhjzRF5djOhzoYjJseChF1HdeVllLqtxE','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(8,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','fTW1S5kT3C6J1MJEd2rAtr8SHQkmwhEMlu2qZoOZ1tM','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(9,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','Yyzyx90Xjyp87cWBqFWrokCTI9HaVkh5oKLOJ60A2h0','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(10,7,'$argon2id$v=19$m=19456,t=2,p=1$yFNKEqoRhjTQF61ZNO9JfA','8gfe0y1e/yQTnNmAy+NcDkDeHJDtzUqMZl9G66cdLn8','2026-11-22 10:00:56.624406',NULL);
INSERT INTO "recovery_code" VALUES(11,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','lGFiykXEIpm5IQPlaeYhIK8INQNTA8NbQAmj8d2J4Rs','2026-11-22 10:00:58.075628',NULL);
INSERT INTO "recovery_code" VALUES(12,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','ZsjkLjhL12P8+FmzrIg/cTdOMaynYjY+cNihRDYgAk0','2026-11-22 10:00:58.075628',NULL);
INSERT INTO "recovery_code" VALUES(13,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','rc3kr+av4pFoSkR6WBm67PoZJm346P8Jc5blwOhB0vU','2026-11-22 10:00:58.075628',NULL);
INSERT INTO "recovery_code" VALUES(14,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','/dr9d8UsnpnUMbidVgQtdGh1SxmA4Ft+NbWT/X3LO1I','2026-11-22 10:00:58.075628',NULL);
INSERT INTO "recovery_code" VALUES(15,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','swE9Ypsth0PY37KsA/4nBCAqJ84wN8PTXkdFSJiZ120','2026-11-22 10:00:58.075628',NULL);
INSERT INTO "recovery_code" VALUES(16,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','TiOIFmNT2WIC0PxKpyue+M/KS1lRA6VhQRalDEavZw4','2026-11-22 10:00:58.075628',NULL);
INSERT INTO "recovery_code" VALUES(17,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','rBrQx0GO/nEuxsGfDFNsnu/3dcO5v1+9SbbldziypSw','2026-11-22 10:00:58.075628',NULL);
INSERT INTO "recovery_code" VALUES(18,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','4FjmYV1oeADun1nJ7Of5s1FHmkhRjCK6c+lMQLMIEBE','2026-11-22 10:00:58.075628',NULL);
INSERT INTO "recovery_code" VALUES(19,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','4peFgaeZ8Gn6+YWg62zaW6lQk8Ixn7PZ7PPWMUhsKe0','2026-11-22 10:00:58.075628',NULL);
INSERT INTO "recovery_code" VALUES(20,8,'$argon2id$v=19$m=19456,t=2,p=1$t5YqdvPI569guOh4Fb2dlg','P1MocNkSrwnylMf4RsfhYWOgc4jSouygzabFHcLYGW8','2026-11-22 10:00:58.075628',NULL);
CREATE INDEX ix_budget_resets_at ON budget (resets_at);
CREATE INDEX ix_cms_user_created_at ON cms_user (created_at);
CREATE INDEX ix_link_email_key ON link (email_key);
CREATE INDEX ix_link_user_id_purpose ON link (user_id, purpose);
CREATE INDEX ix_login_session_user_id ON login_session (user_id);
CREATE INDEX ix_mail_state_due_at ON mail (state, due_at);
CREATE INDEX ix_mail_user_id ON mail (user_id);
CREATE INDEX ix_invitation_created_at ON invitation (created_at);
CREATE INDEX ix_invitation_expires_at ON invitation (expires_at);
CREATE INDEX ix_link_ended_at ON link (ended_at);
CREATE INDEX ix_link_expires_at ON link (expires_at);
CREATE INDEX ix_login_session_remembered_created_at ON login_session (remembered, created_at);
CREATE INDEX ix_login_session_remembered_seen_at ON login_session (remembered, seen_at);
CREATE INDEX ix_mail_done_at ON mail (done_at);
CREATE INDEX ix_audit_actor_id_at ON audit (actor_id, at);
CREATE INDEX ix_email_change_expires_at ON email_change (expires_at);
CREATE INDEX ix_email_change_session_id ON email_change (session_id);
CREATE INDEX ix_email_change_mail_id ON email_change (mail_id);
CREATE INDEX ix_email_change_started_by ON email_change (started_by);
CREATE INDEX ix_email_change_is_assisted ON email_change (asked_at, id) WHERE is_assisted = 1;
CREATE INDEX ix_cms_user_is_superuser ON cms_user (id) WHERE is_superuser = 1;
CREATE INDEX ix_passkey_user_id ON passkey (user_id);
CREATE INDEX ix_authenticator_app_user_id ON authenticator_app (user_id);
CREATE UNIQUE INDEX uq_authenticator_app_confirmed ON authenticator_app (user_id) WHERE confirmed_at IS NOT NULL;
CREATE UNIQUE INDEX uq_authenticator_app_unconfirmed ON authenticator_app (user_id) WHERE confirmed_at IS NULL;
CREATE INDEX ix_recovery_code_user_id ON recovery_code (user_id);
CREATE INDEX ix_pending_sign_in_user_id ON pending_sign_in (user_id);
CREATE INDEX ix_pending_sign_in_expires_at ON pending_sign_in (expires_at);
CREATE INDEX ix_factor_reset_started_by ON factor_reset (started_by);
CREATE INDEX ix_factor_reset_expires_at ON factor_reset (expires_at);
CREATE INDEX ix_factor_reset_waiting ON factor_reset (expires_at) WHERE outcome = '';
COMMIT;
